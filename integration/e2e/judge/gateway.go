package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/gateway"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/sync"
	"github.com/ipld/go-car/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// serveGateway serves boxo's gateway over the blocks of archives, and tells where, in one line. It
// asks nobody else for anything. It ends when its input does.
func serveGateway(address string, archives []string) error {
	blocks := blockstore.NewBlockstore(sync.MutexWrap(datastore.NewMapDatastore()))
	// Identity CIDs are their own blocks, as in Kubo.
	blocks = blockstore.NewIdStore(blocks)
	for _, archive := range archives {
		if err := load(blocks, archive); err != nil {
			return fmt.Errorf("loading %s: %w", archive, err)
		}
	}
	backend, err := gateway.NewBlocksBackend(blockservice.New(blocks, offline.Exchange(blocks)))
	if err != nil {
		return err
	}
	config := gateway.Config{
		DeserializedResponses: true,
		AllowCodecConversion:  true,
		MetricsRegistry:       prometheus.NewRegistry(),
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		listener.Close()
	}()
	server := http.Server{
		Handler: gateway.NewHandler(config, backend),
		// Words about its own handler.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	err = server.Serve(listener)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// load puts the blocks of an archive into a store, each held to its content id.
func load(blocks blockstore.Blockstore, archive string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, err := car.NewBlockReader(file)
	if err != nil {
		return err
	}
	for {
		block, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := blocks.Put(context.Background(), block); err != nil {
			return err
		}
	}
}
