// Tells the content ids that npm's ipfs-unixfs-importer gives to files and directories: a second
// opinion beside boxo's (../judge), from code that shares none with it. It is asked the same way:
//
//   {"path": "/tmp/a", "profile": "unixfs-v1-2025"}
//     →  {"cid": "bafy…", "kind": "directory"}
//   {"path": "/tmp/none", "profile": "unixfs-v0-2015"}
//     →  {"error": "ENOENT: no such file or directory, lstat '/tmp/none'"}
//
// It is asked nothing about modes: it leaves out those that it takes for usual (644, 755), and keeps
// raw leaves where Kubo and boxo make nodes of them, so that there is nothing to compare.

import { lstat, readFile, readdir, readlink } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'
import { importer } from 'ipfs-unixfs-importer'

const nowhere = new BlackHoleBlockstore()

// What the importer makes last, which is the root.
async function rootOf (candidates, options) {
  let root
  for await (const made of importer(candidates, nowhere, options)) root = made
  return root
}

async function importPath (path, profile) {
  const stat = await lstat(path)
  if (stat.isSymbolicLink()) {
    return rootOf([{ path: 'link', link: await readlink(path) }], { profile })
  }
  if (stat.isDirectory()) {
    return importDirectory(path, profile)
  }
  return rootOf([{ path: 'file', content: await readFile(path) }], { profile })
}

// From the bottom up: given a whole tree at once, the importer decides which directories become
// HAMTs while the directories in them have no content id yet, and counts those as nothing. It would
// also take a slash behind a backslash for a part of a name.
async function importDirectory (path, profile) {
  const names = await readdir(path)
  if (names.length === 0) {
    return rootOf([{ path: 'dir' }], { profile })
  }
  const entries = []
  for (const name of names) {
    const made = await importPath(`${path}/${name}`, profile)
    entries.push(async () => ({ ...made, path: `dir/${name}`, originalPath: `dir/${name}` }))
  }
  return rootOf([], { profile, dagBuilder: () => entries })
}

// What the root's block is, in the words of the golden table.
function kindOf ({ unixfs }) {
  if (unixfs === undefined) return 'raw'
  return unixfs.type === 'hamt-sharded-directory' ? 'hamt-shard' : unixfs.type
}

for await (const line of createInterface({ input: process.stdin })) {
  const { path, profile, modes } = JSON.parse(line)
  let answer
  try {
    if (modes) throw new Error('modes are not compared')
    const root = await importPath(path, profile)
    answer = { cid: root.cid.toString(), kind: kindOf(root) }
  } catch (error) {
    answer = { error: error.message }
  }
  console.log(JSON.stringify(answer))
}
