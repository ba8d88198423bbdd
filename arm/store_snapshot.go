package arm

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// A snapshot is a file with all records of a store:
//
//	file   = magic record... end
//	record = 'r' length of key(4) length of value(4) key value
//	end    = 'e' number of records(8) SHA-256 of all before it
//
// The magic's last word is the version. Revisions are not in it: the store that it is loaded into gives its own.
const snapshotMagic = "onramp snapshot 1\n"

const (
	snapshotRecord = 'r'
	snapshotEnd    = 'e'
)

// SaveSnapshot writes all records of a store, as they are at one moment, to a file, and returns how many there were. The file is there
// whole, and durable, or not at all; one that was there is replaced.
func SaveSnapshot(s Store, path string) (n int, err error) {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(path + ".part")
		}
	}()
	if n, err = writeSnapshot(s, f); err != nil {
		return 0, fmt.Errorf("saving the snapshot: %w", err)
	}
	if err = f.Sync(); err != nil {
		return 0, err
	}
	if err = f.Close(); err != nil {
		return 0, err
	}
	if err = os.Rename(path+".part", path); err != nil {
		return 0, err
	}
	return n, syncDirectory(filepath.Dir(path))
}

// LoadSnapshot puts all records of a snapshot into an empty store and returns how many there were. The whole file is examined before the
// first record is written.
func LoadSnapshot(path string, s Store) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := readSnapshot(bufio.NewReader(f), func(string, []byte) error { return nil }); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.Load(func(r Record) error {
		return fmt.Errorf("the store has %s already: a snapshot is loaded into an empty one", r.Key)
	}); err != nil {
		return 0, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := readSnapshot(bufio.NewReader(f), func(key string, value []byte) error {
		_, err := s.Put(key, value, 0)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("%s: after %d records: %w", path, n, err)
	}
	return n, nil
}

func writeSnapshot(s Store, to io.Writer) (int, error) {
	h := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(to, h), 1<<16)
	out.WriteString(snapshotMagic)
	n := 0
	var head []byte
	if err := s.Load(func(r Record) error {
		n++
		head = append(head[:0], snapshotRecord)
		head = binary.BigEndian.AppendUint32(head, uint32(len(r.Key)))
		head = binary.BigEndian.AppendUint32(head, uint32(len(r.Value)))
		out.Write(head)
		out.WriteString(r.Key)
		_, err := out.Write(r.Value)
		return err
	}); err != nil {
		return 0, err
	}
	out.Write(binary.BigEndian.AppendUint64([]byte{snapshotEnd}, uint64(n)))
	if err := out.Flush(); err != nil {
		return 0, err
	}
	_, err := to.Write(h.Sum(nil))
	return n, err
}

// readSnapshot visits the records. What it visited is to be trusted only when it returns without an error.
func readSnapshot(from io.Reader, visit func(key string, value []byte) error) (n int, err error) {
	in := &hashedReader{from: from, hash: sha256.New()}
	defer func() {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the snapshot ends too early, after %d octets and %d records", in.read, n)
		}
	}()
	magic := make([]byte, len(snapshotMagic))
	if err := in.fill(magic); err != nil {
		return 0, err
	}
	if string(magic) != snapshotMagic {
		return 0, fmt.Errorf("the file begins with %q: a snapshot of this version begins with %q", magic, snapshotMagic)
	}
	var head [9]byte
	for {
		if err := in.fill(head[:]); err != nil {
			return n, err
		}
		if head[0] == snapshotEnd {
			break
		}
		key, value := binary.BigEndian.Uint32(head[1:]), binary.BigEndian.Uint32(head[5:])
		if head[0] != snapshotRecord || key == 0 || key > MaxKey || value > MaxValue {
			return n, fmt.Errorf("the snapshot is damaged: at octet %d there is no record", in.read-len(head))
		}
		var body bytes.Buffer // grows with what is there, not with what is promised
		if err := in.copy(&body, int(key+value)); err != nil {
			return n, err
		}
		if err := visit(string(body.Bytes()[:key]), body.Bytes()[key:]); err != nil {
			return n, err
		}
		n++
	}
	if promised := binary.BigEndian.Uint64(head[1:]); promised != uint64(n) {
		return n, fmt.Errorf("the snapshot is damaged: it has %d records and says %d", n, promised)
	}
	want := in.hash.Sum(nil)
	sum := make([]byte, sha256.Size)
	if err := in.fill(sum); err != nil {
		return n, err
	}
	if !bytes.Equal(sum, want) {
		return n, errors.New("the snapshot is damaged: its checksum is wrong")
	}
	if _, err := io.ReadFull(from, head[:1]); !errors.Is(err, io.EOF) {
		return n, errors.New("the snapshot is damaged: something follows its end")
	}
	return n, nil
}

// hashedReader hashes and counts what is read.
type hashedReader struct {
	from io.Reader
	hash hash.Hash
	read int
}

func (r *hashedReader) fill(p []byte) error {
	n, err := io.ReadFull(r.from, p)
	r.hash.Write(p[:n])
	r.read += n
	return err
}

func (r *hashedReader) copy(to io.Writer, n int) error {
	got, err := io.CopyN(io.MultiWriter(to, r.hash), r.from, int64(n))
	r.read += int(got)
	return err
}
