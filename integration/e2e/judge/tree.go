package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

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

// layout says how a tree is imported.
type layout struct {
	unixfsio.UnixFSProfile
	// modes are kept, which takes leaves that are nodes, as with Kubo's --preserve-mode.
	modes bool
}

// layoutOf finds a profile, and applies what of it is global: one import at a time.
func layoutOf(profile string, modes bool) (layout, error) {
	profiles := map[string]unixfsio.UnixFSProfile{
		"unixfs-v1-2025": unixfsio.UnixFS_v1_2025,
		"unixfs-v0-2015": unixfsio.UnixFS_v0_2015,
	}
	found, ok := profiles[profile]
	if !ok {
		return layout{}, fmt.Errorf("there is no profile %q", profile)
	}
	found.ApplyGlobals()
	return layout{found, modes}, nil
}

// mode is a node's, where modes are kept.
func (how layout) mode(node files.Node) os.FileMode {
	if !how.modes {
		return 0
	}
	return node.Mode()
}

// importPath imports what stands at path: hidden entries too, links as links.
func (how layout) importPath(path string) (ipld.Node, error) {
	stat, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	node, err := files.NewSerialFileWithOptions(path, stat, files.SerialFileOptions{})
	if err != nil {
		return nil, err
	}
	defer node.Close()
	return how.importNode(node)
}

func (how layout) importNode(node files.Node) (ipld.Node, error) {
	switch node := node.(type) {
	case *files.Symlink:
		return how.importSymlink(node.Target)
	case files.Directory:
		return how.importDirectory(node)
	case files.File:
		return how.importFile(node, how.mode(node))
	default:
		return nil, fmt.Errorf("a %T is no file, directory or link", node)
	}
}

func (how layout) importFile(content io.Reader, mode os.FileMode) (ipld.Node, error) {
	params := helpers.DagBuilderParams{
		Maxlinks:   how.FileDAGWidth,
		RawLeaves:  how.RawLeaves && !how.modes,
		CidBuilder: how.CidBuilder(),
		Dagserv:    nowhere{},
		FileMode:   mode,
	}
	builder, err := params.New(chunk.NewSizeSplitter(content, how.ChunkSize))
	if err != nil {
		return nil, err
	}
	return balanced.Layout(builder)
}

func (how layout) importSymlink(target string) (ipld.Node, error) {
	data, err := unixfs.SymlinkData(target)
	if err != nil {
		return nil, err
	}
	node := dag.NodeWithData(data)
	return node, node.SetCidBuilder(how.CidBuilder())
}

func (how layout) importDirectory(dir files.Directory) (ipld.Node, error) {
	ctx := context.Background()
	made, err := unixfsio.NewDirectory(nowhere{},
		unixfsio.WithCidBuilder(how.CidBuilder()),
		unixfsio.WithStat(how.mode(dir), time.Time{}))
	if err != nil {
		return nil, err
	}
	entries := dir.Entries()
	for entries.Next() {
		child, err := how.importNode(entries.Node())
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
