package main

import (
	"context"
	"fmt"
	"io"
	"os"

	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/files"
	dag "github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	unixfsio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/boxo/ipld/unixfs/pb"
	ipld "github.com/ipfs/go-ipld-format"
)

// profile says how everything here is imported; main applies what of it is global.
var profile = unixfsio.UnixFS_v1_2025

// importPath imports what stands at path: hidden entries too, links as links.
func importPath(path string) (ipld.Node, error) {
	stat, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	node, err := files.NewSerialFileWithOptions(path, stat, files.SerialFileOptions{})
	if err != nil {
		return nil, err
	}
	defer node.Close()
	return importNode(node)
}

func importNode(node files.Node) (ipld.Node, error) {
	switch node := node.(type) {
	case *files.Symlink:
		return importSymlink(node.Target)
	case files.Directory:
		return importDirectory(node)
	case files.File:
		return importFile(node)
	default:
		return nil, fmt.Errorf("a %T is no file, directory or link", node)
	}
}

func importFile(content io.Reader) (ipld.Node, error) {
	params := helpers.DagBuilderParams{
		Maxlinks:   profile.FileDAGWidth,
		RawLeaves:  profile.RawLeaves,
		CidBuilder: profile.CidBuilder(),
		Dagserv:    nowhere{},
	}
	builder, err := params.New(chunk.NewSizeSplitter(content, profile.ChunkSize))
	if err != nil {
		return nil, err
	}
	return balanced.Layout(builder)
}

func importSymlink(target string) (ipld.Node, error) {
	data, err := unixfs.SymlinkData(target)
	if err != nil {
		return nil, err
	}
	node := dag.NodeWithData(data)
	return node, node.SetCidBuilder(profile.CidBuilder())
}

func importDirectory(dir files.Directory) (ipld.Node, error) {
	ctx := context.Background()
	made, err := unixfsio.NewDirectory(nowhere{}, unixfsio.WithCidBuilder(profile.CidBuilder()))
	if err != nil {
		return nil, err
	}
	entries := dir.Entries()
	for entries.Next() {
		child, err := importNode(entries.Node())
		if err != nil {
			return nil, fmt.Errorf("%q: %w", entries.Name(), err)
		}
		if err := entries.Node().Close(); err != nil {
			return nil, err
		}
		if err := made.AddChild(ctx, entries.Name(), child); err != nil {
			return nil, fmt.Errorf("%q: %w", entries.Name(), err)
		}
	}
	if err := entries.Err(); err != nil {
		return nil, err
	}
	return made.GetNode()
}

// kindOf tells what a root's block is, in the words of the golden table.
func kindOf(node ipld.Node) (string, error) {
	protoNode, isProto := node.(*dag.ProtoNode)
	if !isProto {
		return "raw", nil
	}
	message, err := unixfs.FSNodeFromBytes(protoNode.Data())
	if err != nil {
		return "", err
	}
	switch message.Type() {
	case pb.Data_File:
		return "file", nil
	case pb.Data_Directory:
		return "directory", nil
	case pb.Data_HAMTShard:
		return "hamt-shard", nil
	case pb.Data_Symlink:
		return "symlink", nil
	default:
		return "", fmt.Errorf("the root is a %s", message.Type())
	}
}
