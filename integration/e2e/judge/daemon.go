package main

import (
	"context"

	"github.com/ipfs/boxo/bitswap"
	testnet "github.com/ipfs/boxo/bitswap/testnet"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	dag "github.com/ipfs/boxo/ipld/merkledag"
	pin "github.com/ipfs/boxo/pinning/pinner"
	"github.com/ipfs/boxo/pinning/pinner/dspinner"
	mockrouting "github.com/ipfs/boxo/routing/mock"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/sync"
	delay "github.com/ipfs/go-ipfs-delay"
	ipld "github.com/ipfs/go-ipld-format"
	tnet "github.com/libp2p/go-libp2p-testing/net"
	"github.com/libp2p/go-libp2p/core/peer"
)

// daemon is a store of boxo's in memory, with its pins, and bitswap for what it lacks.
type daemon struct {
	online blockservice.BlockService
	// local never asks others.
	local ipld.DAGService
	pins  pin.Pinner
}

// newDaemons are so many, on a network within this process: each is asked by the others for what
// they lack.
func newDaemons(ctx context.Context, count int) ([]*daemon, error) {
	network := testnet.VirtualNetwork(delay.Fixed(0))
	routing := mockrouting.NewServer()
	var daemons []*daemon
	var peers []peer.ID
	for range count {
		self, err := tnet.RandIdentity()
		if err != nil {
			return nil, err
		}
		wire := network.Adapter(self)
		store := sync.MutexWrap(datastore.NewMapDatastore())
		blocks := blockstore.NewIdStore(blockstore.NewBlockstore(store))
		exchange := bitswap.New(ctx, wire, routing.Client(self), blocks)
		local := dag.NewDAGService(blockservice.New(blocks, offline.Exchange(blocks)))
		pins, err := dspinner.New(ctx, store, local)
		if err != nil {
			return nil, err
		}
		for _, other := range peers {
			if err := wire.Connect(ctx, peer.AddrInfo{ID: other}); err != nil {
				return nil, err
			}
		}
		peers = append(peers, self.ID())
		daemons = append(daemons, &daemon{blockservice.New(blocks, exchange), local, pins})
	}
	return daemons, nil
}

// pin keeps a tree, all of which has to be here.
func (d *daemon) pin(ctx context.Context, root cid.Cid) error {
	node, err := d.local.Get(ctx, root)
	if err != nil {
		return err
	}
	if err := d.pins.Pin(ctx, node, true, ""); err != nil {
		return err
	}
	return d.pins.Flush(ctx)
}
