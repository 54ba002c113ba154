package main

import (
	"bytes"
	"crypto/sha3"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// recipe is one entry of a tree in the golden table, which a real Kubo made.
type recipe struct {
	Path, Kind, Seed, Target string
	Size, Seeds              int64
	Entries, Width           int
}

type row struct {
	Name    string
	CIDs    map[string]answer
	Entries []recipe
}

// Every row of the table, or with -short those that take no time. A single file is streamed, so
// that a GiB needs no disk.
func TestGoldenTable(t *testing.T) {
	text, err := os.ReadFile("../../../pkg/data/tests/golden.json")
	must(t, err)
	var table struct{ Trees []row }
	must(t, json.Unmarshal(text, &table))
	if len(table.Trees) < 30 {
		t.Fatalf("the table has %d rows only", len(table.Trees))
	}
	for _, profile := range []string{"unixfs-v1-2025", "unixfs-v0-2015"} {
		// One after the other, since a part of each is global.
		t.Run(profile, func(t *testing.T) {
			how, err := layoutOf(profile, false)
			must(t, err)
			for _, row := range table.Trees {
				t.Run(row.Name, func(t *testing.T) {
					t.Parallel()
					first := row.Entries[0]
					if testing.Short() && (first.Size > 16<<20 || first.Entries > 10_000) {
						t.Skip("takes its time")
					}
					if got, want := how.judgeRow(t, row), row.CIDs[profile]; got != want {
						t.Errorf("got %+v, Kubo says %+v", got, want)
					}
				})
			}
		})
	}
}

func (how layout) judgeRow(t *testing.T, row row) answer {
	first := row.Entries[0]
	if len(row.Entries) == 1 && (first.Kind == "file" || first.Kind == "zeros") &&
		!strings.Contains(first.Path, "/") {
		root, err := how.importFile(content(first), 0)
		must(t, err)
		kind, err := kindOf(root)
		must(t, err)
		return answer{CID: root.Cid().String(), Kind: kind}
	}
	base := t.TempDir()
	for _, entry := range row.Entries {
		write(t, filepath.Join(base, entry.Path), entry)
	}
	return how.judge(filepath.Join(base, strings.Split(first.Path, "/")[0]))
}

// content is the bytes of a file: the first ones of SHAKE-128("gadus:" + seed).
func content(entry recipe) io.Reader {
	if entry.Kind == "zeros" {
		return bytes.NewReader(make([]byte, entry.Size))
	}
	shake := sha3.NewSHAKE128()
	shake.Write([]byte("gadus:" + entry.Seed))
	return io.LimitReader(shake, entry.Size)
}

func write(t *testing.T, path string, entry recipe) {
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	switch entry.Kind {
	case "file", "zeros":
		bytes, err := io.ReadAll(content(entry))
		must(t, err)
		must(t, os.WriteFile(path, bytes, 0o644))
	case "dir":
		must(t, os.MkdirAll(path, 0o755))
	case "symlink":
		must(t, os.Symlink(entry.Target, path))
	case "many":
		must(t, os.MkdirAll(path, 0o755))
		for i := range entry.Entries {
			seed := strconv.FormatInt(int64(i)%entry.Seeds, 10)
			name := fmt.Sprintf("%0*d", entry.Width, i)
			one := recipe{Kind: "file", Size: entry.Size, Seed: seed}
			write(t, filepath.Join(path, name), one)
		}
	default:
		t.Fatalf("the table has an entry of the unknown kind %q", entry.Kind)
	}
}

func TestAnswersLineByLine(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a"), nil, 0o644))
	var out strings.Builder
	ask := "{\"path\":%q,\"profile\":\"unixfs-v1-2025\"}\n"
	questions := fmt.Sprintf(ask+ask+"{\"profile\":\"x\"}\n", dir+"/a", dir+"/none")
	must(t, serve(strings.NewReader(questions), &out))
	want := "{\"cid\":\"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku\",\"kind\":\"raw\"}\n" +
		fmt.Sprintf("{\"error\":\"lstat %s/none: no such file or directory\"}\n", dir) +
		"{\"error\":\"there is no profile \\\"x\\\"\"}\n"
	if out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
	if err := serve(strings.NewReader("no JSON\n"), &out); err == nil {
		t.Error("a line that is no question was taken for one")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
