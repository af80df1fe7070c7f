// An auditor who has never seen our code: given a server, a token and the witness's vkey, audits every published ledger over
// HTTP alone. Written from c2sp.org/{tlog-tiles,tlog-checkpoint,tlog-cosignature,tlog-proof,signed-note} on Go's own packages.
// Prints a line per ledger, "<origin> <size> <tiles read>", then "ok", or exits 1 with the reason.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	text   = "text/plain; charset=utf-8"
	octets = "application/octet-stream"
	asJSON = "application/json; charset=utf-8"
)

var base, token string
var client = &http.Client{Transport: &http.Transport{DisableCompression: true}}

type cosigner struct {
	name string
	key  ed25519.PublicKey
}

func (c cosigner) Name() string { return c.name }
func (c cosigner) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(c.name+"\n\x04"), c.key...))
	return binary.BigEndian.Uint32(sum[:4])
}
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig[:8]))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

// A cosigner's vkey is spelled as a note's, with type byte 4; Go's package knows only type 1.
func parseCosigner(vkey string) cosigner {
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	check(err)
	expect(len(raw) == 33 && raw[0] == 4, "the witness's key is of type 0x04")
	c := cosigner{parts[0], raw[1:]}
	expect(fmt.Sprintf("%08x", c.KeyHash()) == parts[1], "the witness's key id")
	return c
}

func request(method, path, encoding string) (*http.Response, []byte) {
	req, err := http.NewRequest(method, base+path, nil)
	check(err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept-Encoding", encoding)
	res, err := client.Do(req)
	check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	check(err)
	return res, data
}

func get(path, contentType string) []byte {
	res, data := request("GET", path, "identity")
	expect(res.StatusCode == 200, fmt.Sprintf("%s is served (%d %s)", path, res.StatusCode, data))
	expect(res.Header.Get("Content-Type") == contentType, fmt.Sprintf("%s has its content type (%s)", path, res.Header.Get("Content-Type")))
	expect(res.Header.Get("Content-Encoding") == "", path+" is not compressed for whom did not ask")
	return data
}

func missing(path string) {
	res, _ := request("GET", path, "identity")
	expect(res.StatusCode == 404, fmt.Sprintf("%s is not there (%d)", path, res.StatusCode))
}

func number(n int64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	return s
}

func tile(level string, n, width int64) string {
	if width == 256 {
		return "/tile/" + level + "/" + number(n)
	}
	return fmt.Sprintf("/tile/%s/%s.p/%d", level, number(n), width)
}

type listed struct {
	Origin string
	Size   int64
	Keys   []struct {
		Vkey     string
		From, To int64
	}
}

type served struct {
	Origin                string
	Size, Index, From, To int64
	Leaf                  string
	Hashes                [][]byte
}

func main() {
	base, token = os.Args[1], os.Args[2]
	witness := parseCosigner(os.Args[3])
	var logs []listed
	check(json.Unmarshal(get("/log", asJSON), &logs))
	for _, l := range logs {
		audit(l, witness)
	}
	fmt.Println("ok")
}

func audit(l listed, witness cosigner) {
	at := "/log/" + l.Origin
	until := int64(0)
	for _, key := range l.Keys {
		expect(key.From == until && key.To >= key.From, "key ranges without a gap")
		until = key.To
	}
	expect(until == l.Size, "key ranges to the end")
	res, signed := request("GET", at+"/checkpoint", "identity")
	if res.StatusCode == 404 {
		expect(l.Size == 0, "only a ledger without entries has no checkpoint")
		fmt.Println(l.Origin, "without checkpoint")
		return
	}
	expect(res.Header.Get("Content-Type") == text && strings.Contains(res.Header.Get("Cache-Control"), "no-store"), "headers of the checkpoint")
	head, _ := request("HEAD", at+"/checkpoint", "identity")
	expect(head.StatusCode == 200 && head.Header.Get("Content-Type") == text, "HEAD of the checkpoint")

	vkey := l.Keys[0].Vkey
	for _, key := range l.Keys {
		if key.From < l.Size && l.Size <= key.To {
			vkey = key.Vkey
		}
	}
	log, err := note.NewVerifier(vkey)
	check(err)
	verifiers := note.VerifierList(log, witness)
	root, size := open(signed, verifiers, l.Origin)
	expect(size == l.Size, "the size that was listed")

	// Entries and leaves, then every level above, from the leaves alone.
	read := 0
	var leaves []tlog.Hash
	for n := int64(0); n*256 < size; n++ {
		width := min(256, size-n*256)
		hashes := get(at+tile("0", n, width), octets)
		expect(int64(len(hashes)) == 32*width, "a tile of its width")
		bundle := get(at+tile("entries", n, width), octets)
		if n == 0 {
			res, packed := request("GET", at+tile("entries", n, width), "gzip;q=0.8, identity;q=0.1")
			expect(res.Header.Get("Content-Encoding") == "gzip", "entries are compressed for whom asks")
			unpack, err := gzip.NewReader(bytes.NewReader(packed))
			check(err)
			plain, err := io.ReadAll(unpack)
			check(err)
			expect(bytes.Equal(plain, bundle), "the same entries compressed")
		}
		for i := int64(0); i < width; i++ {
			length := int64(binary.BigEndian.Uint16(bundle))
			leaf := tlog.RecordHash(bundle[2 : 2+length])
			expect(bytes.Equal(leaf[:], hashes[32*i:32*i+32]), fmt.Sprintf("leaf %d is that of its entry", n*256+i))
			leaves = append(leaves, leaf)
			bundle = bundle[2+length:]
		}
		expect(len(bundle) == 0, "an entry bundle of its width")
		read += 2
	}
	row := leaves
	for level := 1; len(row) >= 256; level++ {
		var above []tlog.Hash
		for n := 0; (n+1)*256 <= len(row); n++ {
			above = append(above, mth(row[n*256:(n+1)*256]))
		}
		for n := 0; n*256 < len(above); n++ {
			width := min(256, len(above)-n*256)
			hashes := get(at+tile(strconv.Itoa(level), int64(n), int64(width)), octets)
			for i := 0; i < width; i++ {
				expect(bytes.Equal(above[n*256+i][:], hashes[32*i:32*i+32]), fmt.Sprintf("hash %d of level %d", n*256+i, level))
			}
			expect(len(hashes) == 32*width, "an upper tile of its width")
			read++
		}
		nothing(at, level, int64(len(above)))
		row = above
	}
	if len(row) < 256 && len(leaves) < 256 {
		missing(at + tile("1", 0, 1))
	}
	nothing(at, 0, size)
	nothing(at, -1, size)
	if size > 1 {
		last := (size - 1) / 256
		old := get(at+tile("0", last, 1), octets)
		expect(bytes.Equal(old, leaves[last*256][:]), "the partial tile of an earlier size")
	}
	expect(mth(leaves) == root, "the root over the entries")
	proofs(at, l.Origin, leaves, root, verifiers)
	fmt.Println(l.Origin, size, read)
}

// What a tree of this many hashes in a level does not have.
func nothing(at string, level int, hashes int64) {
	name := strconv.Itoa(level)
	if level < 0 {
		name = "entries"
	}
	missing(at + tile(name, hashes/256, 256))
	missing(at + tile(name, hashes/256, 0))
	if hashes%256 < 255 {
		missing(at + tile(name, hashes/256, hashes%256+1))
	}
}

func proofs(at, origin string, leaves []tlog.Hash, root tlog.Hash, verifiers note.Verifiers) {
	size := int64(len(leaves))
	ask := func(path string, query url.Values) (answer served) {
		check(json.Unmarshal(get(at+path+"?"+query.Encode(), asJSON), &answer))
		expect(answer.Origin == origin, "the proof names its ledger")
		return
	}
	for _, n := range []int64{0, 1, 254, 255, 256, size / 2, 65535, 65536, size - 1} {
		if n < 0 || n >= size {
			continue
		}
		index := fmt.Sprint(n)
		old := mth(leaves[:n+1])
		for within, its := range map[int64]tlog.Hash{n + 1: old, size: root} {
			answer := ask("/proof/inclusion", url.Values{"index": {index}, "size": {fmt.Sprint(within)}})
			expect(answer.Index == n && answer.Size == within && answer.Leaf == fmt.Sprintf("%x", leaves[n][:]), "the proof asked for")
			check(tlog.CheckRecord(hashesOf(answer.Hashes), within, its, n, leaves[n]))
		}
		byLeaf := ask("/proof/inclusion", url.Values{"leaf": {fmt.Sprintf("%x", leaves[n][:])}})
		expect(byLeaf.Index == n && byLeaf.Size == size, "the entry found by its leaf")
		answer := ask("/proof/consistency", url.Values{"from": {fmt.Sprint(n + 1)}, "to": {fmt.Sprint(size)}})
		expect(answer.From == n+1 && answer.To == size, "the sizes asked for")
		check(tlog.CheckTree(hashesOf(answer.Hashes), size, root, n+1, old))
		tlogProof(get(at+"/proof/entry?index="+index, text), n, leaves[n], origin, verifiers)
	}
	missing(fmt.Sprintf("%s/proof/entry?index=%d", at, size))
	missing(fmt.Sprintf("%s/proof/inclusion?index=%d", at, size))
	missing(fmt.Sprintf("%s/proof/consistency?from=%d&to=%d", at, size, size+1))
}

// c2sp.org/tlog-proof, "Verifying a tlog proof".
func tlogProof(file []byte, index int64, leaf tlog.Hash, origin string, verifiers note.Verifiers) {
	head, checkpoint, found := strings.Cut(string(file), "\n\n")
	lines := strings.Split(head, "\n")
	expect(found && len(lines) >= 2 && lines[0] == "c2sp.org/tlog-proof@v1" && lines[1] == fmt.Sprint("index ", index), "head of the tlog-proof")
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		check(err)
		proof = append(proof, hash)
	}
	root, size := open([]byte(checkpoint), verifiers, origin)
	check(tlog.CheckRecord(proof, size, root, index, leaf))
}

// The checkpoint in a note that both the log and the witness have signed.
func open(signed []byte, verifiers note.Verifiers, origin string) (tlog.Hash, int64) {
	opened, err := note.Open(signed, verifiers)
	check(err)
	expect(len(opened.Sigs) == 2 && len(opened.UnverifiedSigs) == 0, "station and witness have signed "+origin)
	lines := strings.Split(opened.Text, "\n")
	expect(len(lines) == 4 && lines[0] == origin && lines[3] == "", "the text of a checkpoint")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(lines[2])
	check(err)
	return root, size
}

// RFC 6962 2.1, word for word.
func mth(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 0 {
		return sha256.Sum256(nil)
	}
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(mth(leaves[:k]), mth(leaves[k:]))
}

func hashesOf(raw [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(raw))
	for i := range raw {
		expect(len(raw[i]) == 32, "hashes of 32 bytes")
		copy(hashes[i][:], raw[i])
	}
	return hashes
}

func min[T int | int64](a, b T) T {
	if a < b {
		return a
	}
	return b
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
