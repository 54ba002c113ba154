// Command judge tells the content ids that boxo, Kubo's own library, gives to files and
// directories under one of the import profiles of IPIP-499. Tests hold our importer to it.
//
// It answers each line of standard input with one line of standard output, both JSON:
//
//	{"path": "/tmp/a", "profile": "unixfs-v1-2025", "modes": false}
//	  →  {"cid": "bafy…", "kind": "directory"}
//	{"path": "/tmp/none", "profile": "unixfs-v0-2015", "modes": true}
//	  →  {"error": "lstat /tmp/none: no such file or directory"}
//
// The kind is one of raw, file, directory, hamt-shard and symlink: what the root's block is.
//
// As `judge gateway ADDRESS CAR…` it serves boxo's gateway over the blocks of these archives instead,
// for tests that hold ours to it. As `judge rpc ADDRESS…` it stands in for daemons that speak Kubo's
// RPC, as far as gadus does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

type question struct {
	Path    string `json:"path"`
	Profile string `json:"profile"`
	Modes   bool   `json:"modes"`
}

type answer struct {
	CID   string `json:"cid,omitempty"`
	Kind  string `json:"kind,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 0:
		return serve(os.Stdin, os.Stdout)
	case args[0] == "gateway" && len(args) > 1:
		return serveGateway(args[1], args[2:])
	case args[0] == "rpc" && len(args) > 1:
		return serveRPC(context.Background(), args[1:])
	default:
		return errors.New("usage: judge, or judge gateway ADDRESS CAR..., or judge rpc ADDRESS...")
	}
}

// serve answers until the input ends.
func serve(in io.Reader, out io.Writer) error {
	questions := json.NewDecoder(bufio.NewReader(in))
	answers := json.NewEncoder(out)
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a question: %w", err)
		}
		if err := answers.Encode(judge(q)); err != nil {
			return fmt.Errorf("writing an answer: %w", err)
		}
	}
}

func judge(q question) answer {
	how, err := layoutOf(q.Profile, q.Modes)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return how.judge(q.Path)
}

func (how layout) judge(path string) answer {
	root, err := how.importPath(path)
	if err != nil {
		return answer{Error: err.Error()}
	}
	kind, err := kindOf(root)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{CID: root.Cid().String(), Kind: kind}
}
