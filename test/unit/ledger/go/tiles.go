// A tile client that has never seen our code: reads a published ledger with Go's own packages, over HTTP or from a folder.
// Arguments: base (URL or folder of one origin), vkey, token, an older size. Prints "ok <size>" or exits 1 with the reason.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type log struct {
	base, token string
	read        map[string][]byte
}

func (l log) get(path, contentType string) []byte {
	if !strings.HasPrefix(l.base, "http") {
		data, err := os.ReadFile(l.base + "/" + path)
		check(err)
		return data
	}
	request, err := http.NewRequest("GET", l.base+"/"+path, nil)
	check(err)
	request.Header.Set("Authorization", "Bearer "+l.token)
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	check(err)
	expect(response.StatusCode == 200, fmt.Sprintf("%s is served (%d)", path, response.StatusCode))
	expect(response.Header.Get("Content-Type") == contentType, path+" has its content type")
	return data
}

// C2SP tlog-tiles leaves out the height that Go's own paths begin with.
func path(tile tlog.Tile) string {
	rest := strings.TrimPrefix(tile.Path(), "tile/8/")
	return "tile/" + strings.Replace(rest, "data/", "entries/", 1)
}

func (l log) Height() int { return 8 }
func (l log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		name := path(tile)
		if l.read[name] == nil {
			l.read[name] = l.get(name, "application/octet-stream")
		}
		all = append(all, l.read[name])
	}
	return all, nil
}
func (l log) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	l := log{os.Args[1], os.Args[3], map[string][]byte{}}
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	signed, err := note.Open(l.get("checkpoint", "text/plain; charset=utf-8"), note.VerifierList(verifier))
	check(err)
	lines := strings.Split(signed.Text, "\n")
	expect(lines[0] == verifier.Name(), "the origin")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(lines[2])
	check(err)
	tree := tlog.Tree{N: size, Hash: root}
	reader := tlog.TileHashReader(tree, l)

	var entries [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		data := l.get(path(tlog.Tile{H: 8, L: -1, N: n, W: int(width)}), "application/octet-stream")
		for ; len(data) > 0; width-- {
			length := int(binary.BigEndian.Uint16(data))
			entries = append(entries, data[2:2+length])
			data = data[2+length:]
		}
		expect(width == 0, fmt.Sprintf("bundle %d has its width", n))
	}
	for n, entry := range entries {
		proof, err := tlog.ProveRecord(size, int64(n), reader)
		check(err)
		check(tlog.CheckRecord(proof, size, root, int64(n), tlog.RecordHash(entry)))
	}
	old, err := strconv.ParseInt(os.Args[4], 10, 64)
	check(err)
	oldRoot, err := tlog.TreeHash(old, reader)
	check(err)
	proof, err := tlog.ProveTree(size, old, reader)
	check(err)
	check(tlog.CheckTree(proof, size, root, old, oldRoot))
	fmt.Println("ok", len(entries), oldRoot)
}

func expect(holds bool, what string) {
	if !holds {
		check(fmt.Errorf("not so: %s", what))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
