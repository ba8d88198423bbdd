package arm

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// The mark is a file beside the stream that says what was acknowledged: for each key its revision and checksum, and with them the last
// revision and the number of keys. A write is acknowledged when it is in the stream and then in the mark, both on the disk; so the mark is
// never ahead of the stream, and a stream that is behind the mark has lost something, which the mark can name.
//
// It is a log of frames, one for each group of writes, each sealed with a hash over itself and the seal before it: nothing in the middle
// can change, go or come unseen. Only the last frame may be torn, by a crash while it was written: what it would have said was not yet
// acknowledged. A log that has grown is replaced by a shorter one that says the same.
//
//	file   = magic store base(8) floor(8) size(8) seal frame...       size: octets of the frames that the log was begun with, which cannot be torn
//	frame  = length(4) payload seal            seal = SHA-256(seal before, length, payload)
//	payload = kind(1) last(8) keys(8) entry... kind: 'w' writes, 'c' closed in order
//	entry  = kind(1) revision(8) length(2) key checksum
type mark struct {
	store storeID
	base  uint64 // the last revision when this log was begun: what is older and not listed is gone
	floor uint64 // records below this revision are of no account: all that counts was written again
	last  uint64 // the last acknowledged revision
	live  int    // the number of keys that are there
	keys  map[string]marked
	// closed is whether the store was closed in order: then the stream has nothing that the mark has not.
	closed bool
}

// marked is what the mark says of one key.
type marked struct {
	revision uint64
	deleted  bool
	sum      checksum
}

type markEntry struct {
	key string
	marked
}

const (
	markMagic    = "onrmark\x01" // its last octet is the layout's version
	markHead     = len(markMagic) + len(storeID{}) + 8 + 8 + 8 + sha256.Size
	markMaxFrame = 4 << 20 // octets of a payload
	markGroup    = 512     // entries of a frame at most
	frameWrites  = 'w'
	frameClosed  = 'c'
)

// MarkError says where the mark cannot be trusted.
type MarkError struct {
	File   string
	Offset int64
	What   string
}

func (e *MarkError) Error() string {
	return fmt.Sprintf("%s: at octet %d: %s", e.File, e.Offset, e.What)
}

// apply takes an entry in.
func (m *mark) apply(e markEntry) {
	if before, ok := m.keys[e.key]; ok && !before.deleted {
		m.live--
	}
	if !e.deleted {
		m.live++
	}
	m.keys[e.key] = e.marked
	m.last = max(m.last, e.revision)
}

// head starts a log whose first frames have size octets together.
func (m *mark) head(size int) (out []byte, seal checksum) {
	out = append(out, markMagic...)
	out = append(out, m.store[:]...)
	out = binary.BigEndian.AppendUint64(out, m.base)
	out = binary.BigEndian.AppendUint64(out, m.floor)
	out = binary.BigEndian.AppendUint64(out, uint64(size))
	seal = sha256.Sum256(out)
	return append(out, seal[:]...), seal
}

// appendFrame adds a frame of the entries, which m has taken in already, and returns its seal.
func (m *mark) appendFrame(out []byte, before checksum, kind byte, entries []markEntry) ([]byte, checksum) {
	start := len(out)
	out = append(out, 0, 0, 0, 0, kind)
	out = binary.BigEndian.AppendUint64(out, m.last)
	out = binary.BigEndian.AppendUint64(out, uint64(m.live))
	for _, e := range entries {
		if e.deleted {
			out = append(out, envelopeGone)
		} else {
			out = append(out, envelopeKept)
		}
		out = binary.BigEndian.AppendUint64(out, e.revision)
		out = binary.BigEndian.AppendUint16(out, uint16(len(e.key)))
		out = append(out, e.key...)
		out = append(out, e.sum[:]...)
	}
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	seal := sealOf(before[:], out[start:])
	return append(out, seal[:]...), seal
}

// sealOf is the seal of a frame without its own.
func sealOf(before, frame []byte) checksum {
	h := sha256.New()
	h.Write(before)
	h.Write(frame)
	return checksum(h.Sum(nil))
}

// encode writes the whole state as a new log.
func (m *mark) encode() ([]byte, checksum) {
	m.base = m.last
	entries := make([]markEntry, 0, len(m.keys))
	size := (len(m.keys) + markGroup - 1) / markGroup * (4 + 17 + sha256.Size)
	for key, is := range m.keys {
		entries = append(entries, markEntry{key, is})
		size += 11 + len(key) + sha256.Size
	}
	out, seal := m.head(size)
	slices.SortFunc(entries, func(a, b markEntry) int { return cmp.Compare(a.revision, b.revision) })
	partial := mark{keys: map[string]marked{}}
	for group := range slices.Chunk(entries, markGroup) {
		for _, e := range group {
			partial.apply(e)
		}
		partial.last = m.last
		out, seal = partial.appendFrame(out, seal, frameWrites, group)
	}
	return out, seal
}

// decodeMark reads a log. With an error it returns what was sealed before the damage, or nil if not even the head can be read. A frame
// that was torn at the end is left out.
func decodeMark(file string, data []byte) (*mark, error) {
	bad := func(at int, format string, args ...any) *MarkError {
		return &MarkError{File: file, Offset: int64(at), What: fmt.Sprintf(format, args...)}
	}
	if len(data) < markHead || !bytes.HasPrefix(data, []byte(markMagic)) {
		return nil, bad(0, "this is not the mark of a store, or not of this version")
	}
	m := &mark{keys: map[string]marked{}}
	copy(m.store[:], data[len(markMagic):])
	head := data[len(markMagic)+len(storeID{}):]
	m.base = binary.BigEndian.Uint64(head)
	m.floor = binary.BigEndian.Uint64(head[8:])
	m.last = m.base
	whole := uint64(markHead) + binary.BigEndian.Uint64(head[16:])
	seal := checksum(sha256.Sum256(data[:markHead-sha256.Size]))
	if !bytes.Equal(seal[:], data[markHead-sha256.Size:markHead]) {
		return nil, bad(0, "the checksum of the mark's head is wrong")
	}
	at := markHead
	for at < len(data) {
		payload, next, ok := frameAt(data, at)
		if !ok || !sealed(data, at, next, data[at-sha256.Size:at]) {
			if later, found := frameAfter(data, at); found {
				return m, bad(at, "the entry's checksum is wrong, and at octet %d the log goes on: this is no torn end", later)
			}
			break
		}
		if m.closed {
			return m, bad(at, "the log goes on after its end")
		}
		if err := m.take(payload); err != nil {
			return m, bad(at, "%v", err)
		}
		at = next
	}
	if uint64(at) < whole {
		return m, bad(at, "the entry's checksum is wrong, or the log ends before its %d octets", whole)
	}
	return m, nil
}

// take reads a frame's payload into the state.
func (m *mark) take(payload []byte) error {
	kind, last, live := payload[0], binary.BigEndian.Uint64(payload[1:]), binary.BigEndian.Uint64(payload[9:])
	p := payload[17:]
	for len(p) > 0 {
		if len(p) < 11 {
			return fmt.Errorf("an entry ends after %d octets", len(p))
		}
		n := int(binary.BigEndian.Uint16(p[9:]))
		if len(p) < 11+n+sha256.Size || n == 0 || n > MaxKey {
			return fmt.Errorf("an entry's key has %d octets", n)
		}
		if p[0] != envelopeKept && p[0] != envelopeGone {
			return fmt.Errorf("an entry's kind is %#x", p[0])
		}
		e := markEntry{key: string(p[11 : 11+n])}
		e.deleted = p[0] == envelopeGone
		e.revision = binary.BigEndian.Uint64(p[1:])
		e.sum = checksum(p[11+n:])
		m.apply(e)
		p = p[11+n+sha256.Size:]
	}
	if m.last != last || uint64(m.live) != live {
		return fmt.Errorf("the log leads to revision %d and %d keys, the entry says %d and %d", m.last, m.live, last, live)
	}
	m.closed = kind == frameClosed
	return nil
}

// frameAt finds the payload of the frame at an offset and where the next would be, by its length only.
func frameAt(data []byte, at int) (payload []byte, next int, ok bool) {
	if len(data)-at < 4+17+sha256.Size {
		return nil, 0, false
	}
	n := int(binary.BigEndian.Uint32(data[at:]))
	if n < 17 || n > markMaxFrame || len(data)-at < 4+n+sha256.Size || data[at+4] != frameWrites && data[at+4] != frameClosed {
		return nil, 0, false
	}
	return data[at+4 : at+4+n], at + 4 + n + sha256.Size, true
}

// sealed tells whether the seal of the frame from at to next is right after the seal before it.
func sealed(data []byte, at, next int, before []byte) bool {
	return sealOf(before, data[at:next-sha256.Size]) == checksum(data[next-sha256.Size:next])
}

// frameAfter looks for a sealed frame behind a broken one. What is broken may be the seal alone, so the next frame may rest on the right one;
// or the length, so it may be anywhere and rest on the seal before it as the file has it.
func frameAfter(data []byte, at int) (int, bool) {
	if _, later, ok := frameAt(data, at); ok {
		right := sealOf(data[at-sha256.Size:at], data[at:later-sha256.Size])
		if _, next, ok := frameAt(data, later); ok && sealed(data, later, next, right[:]) {
			return later, true
		}
	}
	for later := at + 1; later < len(data); later++ {
		if _, next, ok := frameAt(data, later); ok && sealed(data, later, next, data[later-sha256.Size:later]) {
			return later, true
		}
	}
	return 0, false
}

// markLog is the mark's file, open for writing. One goroutine uses it at a time.
type markLog struct {
	file  *os.File
	path  string
	state *mark
	seal  checksum // of the last frame
	size  int      // octets in the file
	short int      // octets of the log when it was last made short
}

// markFile is the mark's name in the store's directory.
const markFile = "mark"

// newMarkLog writes a state as a new log in the place of the old one, durably.
func newMarkLog(dir string, state *mark) (*markLog, error) {
	l := &markLog{path: filepath.Join(dir, markFile), state: state}
	if err := l.shorten(); err != nil {
		return nil, err
	}
	return l, nil
}

// shorten replaces the log by one that says the same in the fewest words.
func (l *markLog) shorten() error {
	data, seal := l.state.encode()
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			return err
		}
		l.file = nil
	}
	f, err := replaceFile(l.path, data)
	if err != nil {
		return err
	}
	l.file, l.seal, l.size, l.short = f, seal, len(data), len(data)
	return nil
}

// append adds entries, which the state has taken in already, in one frame. It returns when they are on the disk.
func (l *markLog) append(kind byte, entries []markEntry) error {
	frame, seal := l.state.appendFrame(nil, l.seal, kind, entries)
	if _, err := l.file.Write(frame); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	l.seal, l.size = seal, l.size+len(frame)
	if l.size > 4*l.short+8<<20 && kind == frameWrites {
		return l.shorten()
	}
	return nil
}

func (l *markLog) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// replaceFile puts a file with the data in the place of path: whole or not at all, and on the disk when it returns. The file is left open
// for appending.
func replaceFile(path string, data []byte) (*os.File, error) {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err == nil {
		err = syncDirectory(filepath.Dir(path))
	}
	if err != nil {
		f.Close()
		os.Remove(next)
		return nil, err
	}
	return f, nil
}

// syncDirectory makes a directory's names durable.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
