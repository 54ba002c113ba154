package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"

	pin "github.com/ipfs/boxo/pinning/pinner"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car/v2"
)

// serveRPC serves a daemon at each of the addresses, and tells where, a line each. They know each
// other, and nobody else. It ends when its input does.
func serveRPC(ctx context.Context, addresses []string) error {
	daemons, err := newDaemons(ctx, len(addresses))
	if err != nil {
		return err
	}
	failed := make(chan error, len(addresses))
	for i, address := range addresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		fmt.Printf("http://%s\n", listener.Addr())
		go func() { failed <- http.Serve(listener, daemons[i].handler()) }()
	}
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		failed <- err
	}()
	return <-failed
}

// handler answers the calls of Kubo's RPC that gadus makes, and the one by which tests look at what
// became of them (https://docs.ipfs.tech/reference/kubo/rpc/).
func (d *daemon) handler() http.Handler {
	calls := map[string]func(*http.Request, *json.Encoder) ([]byte, error){
		"block/get":  d.blockGet,
		"dag/import": d.dagImport,
		"pin/ls":     d.pinLs,
	}
	mux := http.NewServeMux()
	for name, call := range calls {
		mux.HandleFunc("POST /api/v0/"+name, func(w http.ResponseWriter, r *http.Request) {
			lines := writing{w, false}
			bytes, err := call(r, json.NewEncoder(&lines))
			switch {
			case err == nil:
				_, _ = w.Write(bytes)
			case lines.began:
				// Too late for a status: the answer breaks off.
				panic(http.ErrAbortHandler)
			default:
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusInternalServerError)
				_ = json.NewEncoder(w).Encode(failure{err.Error(), 0, "error"})
			}
		})
	}
	return mux
}

// failure is how the RPC tells that a call went wrong.
type failure struct {
	Message string
	Code    int
	Type    string
}

// writing knows whether anything was written.
type writing struct {
	to    io.Writer
	began bool
}

func (w *writing) Write(bytes []byte) (int, error) {
	w.began = true
	return w.to.Write(bytes)
}

func named(r *http.Request) (cid.Cid, error) {
	return cid.Decode(r.URL.Query().Get("arg"))
}

// blockGet answers a block. What is not here is looked for until the caller goes away.
func (d *daemon) blockGet(r *http.Request, _ *json.Encoder) ([]byte, error) {
	id, err := named(r)
	if err != nil {
		return nil, err
	}
	block, err := d.online.GetBlock(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return block.RawData(), nil
}

// dagImport takes archives, and pins their roots.
func (d *daemon) dagImport(r *http.Request, lines *json.Encoder) ([]byte, error) {
	if got := r.URL.RawQuery; got != "pin-roots=true" {
		return nil, fmt.Errorf("an import with %q is not for this stand-in", got)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	var roots []cid.Cid
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		found, err := d.importArchive(r.Context(), part)
		if err != nil {
			return nil, err
		}
		roots = append(roots, found...)
	}
	for _, root := range roots {
		type meta struct {
			Cid         cid.Cid
			PinErrorMsg string
		}
		told := meta{Cid: root}
		if err := d.pin(r.Context(), root); err != nil {
			told.PinErrorMsg = err.Error()
		}
		if err := lines.Encode(map[string]meta{"Root": told}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (d *daemon) importArchive(ctx context.Context, part *multipart.Part) ([]cid.Cid, error) {
	archive, err := car.NewBlockReader(part)
	if err != nil {
		return nil, err
	}
	for {
		block, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return archive.Roots, nil
		} else if err != nil {
			return nil, err
		}
		// Through the exchange's own service, so that whoever waits for it hears of it.
		if err := d.online.AddBlock(ctx, block); err != nil {
			return nil, err
		}
	}
}

// pinLs tells of one root whether it is pinned, with all below it.
func (d *daemon) pinLs(r *http.Request, lines *json.Encoder) ([]byte, error) {
	id, err := named(r)
	if err != nil {
		return nil, err
	}
	how, pinned, err := d.pins.IsPinnedWithType(r.Context(), id, pin.Recursive)
	if err != nil {
		return nil, err
	}
	if !pinned {
		return nil, fmt.Errorf("path '/ipfs/%s' is not pinned", id)
	}
	type kept struct{ Type string }
	keys := map[string]kept{id.String(): {how}}
	return nil, lines.Encode(map[string]map[string]kept{"Keys": keys})
}
