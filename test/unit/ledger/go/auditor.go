// An auditor who has never seen our code: reads what a station publishes with Go's own packages.
// Input (JSON on stdin): vkey, note, witness {name, key, keyId}, leaves (base64 bytes), proofs. Prints "ok" or exits 1 with the reason.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	Vkey    string
	Note    string
	Witness struct {
		Name string
		Key  []byte
	}
	TimeS       uint64
	Entries     [][]byte
	Inclusion   []struct{ Index, Size int64; Proof [][]byte }
	Consistency []struct{ Old, Size int64; Proof [][]byte }
}

// cosigner verifies C2SP cosignature/v1 lines, written from the specification.
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

func main() {
	var in input
	check(json.NewDecoder(os.Stdin).Decode(&in))

	verifier, err := note.NewVerifier(in.Vkey)
	check(err)
	witness := cosigner{in.Witness.Name, in.Witness.Key}
	opened, err := note.Open([]byte(in.Note), note.VerifierList(verifier, witness))
	check(err)
	expect(len(opened.Sigs) == 2 && len(opened.UnverifiedSigs) == 0, "station and witness have both signed")
	raw, err := base64.StdEncoding.DecodeString(opened.Sigs[1].Base64)
	check(err)
	expect(binary.BigEndian.Uint64(raw[4:12]) == in.TimeS, "the witness's time")

	lines := strings.Split(opened.Text, "\n")
	expect(len(lines) == 4 && lines[0] == verifier.Name() && lines[1] == fmt.Sprint(len(in.Entries)), "origin and size")

	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	roots := []tlog.Hash{{}}
	for n, entry := range in.Entries {
		hashes, err := tlog.StoredHashes(int64(n), entry, reader)
		check(err)
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(int64(n+1), reader)
		check(err)
		roots = append(roots, root)
	}
	root := roots[len(in.Entries)]
	expect(lines[2] == base64.StdEncoding.EncodeToString(root[:]), "the root over the entries")

	for _, p := range in.Inclusion {
		check(tlog.CheckRecord(hashesOf(p.Proof), p.Size, roots[p.Size], p.Index, tlog.RecordHash(in.Entries[p.Index])))
		own, err := tlog.ProveRecord(p.Size, p.Index, reader)
		check(err)
		expect(equal(own, hashesOf(p.Proof)), "the same inclusion proof")
	}
	for _, p := range in.Consistency {
		check(tlog.CheckTree(hashesOf(p.Proof), p.Size, roots[p.Size], p.Old, roots[p.Old]))
		own, err := tlog.ProveTree(p.Size, p.Old, reader)
		check(err)
		expect(equal(own, hashesOf(p.Proof)), "the same consistency proof")
	}
	fmt.Println("ok")
}

func hashesOf(raw [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(raw))
	for i := range raw {
		copy(hashes[i][:], raw[i])
	}
	return hashes
}

func equal(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i][:], b[i][:]) {
			return false
		}
	}
	return true
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
