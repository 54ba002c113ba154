package main

import (
	"context"

	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// nowhere takes blocks and keeps none: for CIDs alone. An import holds what it still needs itself,
// so that reading one back would be a mistake.
type nowhere struct{}

var _ ipld.DAGService = nowhere{}

func (nowhere) Add(context.Context, ipld.Node) error       { return nil }
func (nowhere) AddMany(context.Context, []ipld.Node) error { return nil }

func (nowhere) Get(_ context.Context, id cid.Cid) (ipld.Node, error) {
	return nil, ipld.ErrNotFound{Cid: id}
}

func (nowhere) GetMany(_ context.Context, ids []cid.Cid) <-chan *ipld.NodeOption {
	options := make(chan *ipld.NodeOption, len(ids))
	for _, id := range ids {
		options <- &ipld.NodeOption{Err: ipld.ErrNotFound{Cid: id}}
	}
	close(options)
	return options
}

func (nowhere) Remove(context.Context, cid.Cid) error       { return nil }
func (nowhere) RemoveMany(context.Context, []cid.Cid) error { return nil }
