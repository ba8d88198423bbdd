package arm

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JetStream is the durable Store: a key-value bucket of a NATS JetStream server that runs in this process and listens nowhere, with a file
// store that writes through to the disk, and the mark beside it. Its directory has
//
//	jetstream/  the server's files
//	mark        what was acknowledged (see mark)
//	lock        held while the store is open
//	found/      only after an opening that failed: the server's files as they were found, because the server cuts off what it cannot read
//
// It has one goroutine of its own, commits, which Close ends, and one for each write under way; the server and its client have theirs, which end with them.
type JetStream struct {
	dir    string
	id     storeID
	lock   *os.File
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	log    *serverLog

	// gate is held for reading by a write, and for writing by what must not have one beside it: Load and Close.
	gate   sync.RWMutex
	closed bool

	queue chan commit   // to the goroutine that writes the mark
	done  chan struct{} // closed when it has ended

	mu     sync.Mutex
	busy   map[string]chan struct{} // the keys that are being written; closed when that has ended
	mark   *mark                    // changed by the commits goroutine only, with mu held
	failed error                    // why the store takes no more writes
}

const (
	bucket     = "onramp"
	streamName = "KV_" + bucket
	streamDir  = "jetstream"
	foundDir   = "found"
	// publishWithin is how long the server may take for one write: it is in this process, so only the disk can hold it up.
	publishWithin = time.Minute
	// maxWriting is how many writes are under way at once; who begins one more waits.
	maxWriting = 1024
	// readAtOnce is how many records are asked for at once when all are read.
	readAtOnce = 128
	// rewriters is how many records are written again at once.
	rewriters = 64
)

// commit is a write that is in the stream, on its way into the mark.
type commit struct {
	entry markEntry
	done  chan error
}

// options are what the tests and Repair set otherwise.
type options struct {
	unsynced bool   // the stream is written without SyncAlways: for the test that this loses acknowledged writes
	first    uint64 // the first revision of a new store; 0 is 1
	// deleted is how many records of deleted keys a store may have when it is opened; 0 is deletedKept, or as many as it has others.
	deleted int
}

// deletedKept is more than a design's life brings about, and less than what slows an opening.
const deletedKept = 1000

// OpenJetStream opens the store in a directory, and makes it if there is none. It refuses a store that has lost something that was
// acknowledged, went back in time or was changed, with a *DamageError or a *MarkError that says what: Repair says what can be had.
func OpenJetStream(dir string) (*JetStream, error) { return openJetStream(dir, options{}) }

func openJetStream(dir string, o options) (s *JetStream, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	s = &JetStream{dir: dir, lock: lock, busy: map[string]chan struct{}{}, log: &serverLog{}}
	defer func() {
		if err != nil {
			s.stop()
			lock.Close()
			s = nil
		}
	}()
	acknowledged, err := readMark(dir)
	if errors.Is(err, fs.ErrNotExist) {
		acknowledged, err = beginMark(dir, o)
	}
	if err != nil {
		return s, err
	}
	s.id = acknowledged.store
	if err := keepAsFound(dir); err != nil {
		return s, fmt.Errorf("copying the store before it is opened: %w", err)
	}
	if err := s.start(acknowledged, o); err != nil {
		return s, err
	}
	seen, err := s.verify(acknowledged)
	if err != nil {
		return s, err
	}
	log, err := newMarkLog(dir, seen)
	if err != nil {
		return s, err
	}
	if o.deleted == 0 {
		o.deleted = max(deletedKept, seen.live)
	}
	if len(seen.keys)-seen.live > o.deleted {
		if err := s.rewrite(log); err != nil {
			log.close()
			return s, fmt.Errorf("clearing the store of deleted records: %w", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, foundDir)); err != nil {
		log.close()
		return s, err
	}
	s.mark = seen
	s.queue, s.done = make(chan commit, 2*markGroup), make(chan struct{})
	go s.commits(log)
	return s, nil
}

// readMark reads the mark of a store.
func readMark(dir string) (*mark, error) {
	path := filepath.Join(dir, markFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decodeMark(path, data)
}

// beginMark makes the mark of a new store, before anything else of it: a stream without a mark is a store that lost it.
func beginMark(dir string, o options) (*mark, error) {
	if _, err := os.Stat(filepath.Join(dir, streamDir)); err == nil {
		return nil, &MarkError{File: filepath.Join(dir, markFile), What: "the mark is missing beside the stream: what was acknowledged is not known"}
	}
	m := &mark{keys: map[string]marked{}}
	if o.first > 0 {
		m.last = o.first - 1
	}
	rand.Read(m.store[:])
	log, err := newMarkLog(dir, m)
	if err != nil {
		return nil, err
	}
	if err := log.close(); err != nil {
		return nil, err
	}
	// The directory's own name too must be on the disk.
	return m, syncDirectory(filepath.Dir(dir))
}

// keepAsFound copies the server's files aside before the server sees them. An earlier copy was found in a better state, so it stays.
func keepAsFound(dir string) error {
	found := filepath.Join(dir, foundDir)
	if _, err := os.Stat(found); err == nil {
		return nil
	}
	from := filepath.Join(dir, streamDir)
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	part := found + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := copyDirectory(from, part); err != nil {
		return err
	}
	return os.Rename(part, found)
}

// copyDirectory copies regular files and directories.
func copyDirectory(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, inside), 0o700)
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(filepath.Join(to, inside), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
}

// start runs the server on the store's files and finds the stream, which is made if nothing was ever acknowledged.
func (s *JetStream) start(m *mark, o options) (err error) {
	s.server, err = server.NewServer(&server.Options{
		ServerName: "onramp", DontListen: true, NoSigs: true, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: s.dir, SyncAlways: !o.unsynced,
		// The account's limits are not ours: the disk is the limit.
		JetStreamMaxMemory: 1 << 30, JetStreamMaxStore: 1 << 50,
		MaxPayload: 8 << 20, MaxPending: 64 << 20, MaxControlLine: 16 << 10,
	})
	if err != nil {
		return err
	}
	s.server.SetLoggerV2(s.log, false, false, false)
	s.server.Start()
	if !s.server.ReadyForConnections(publishWithin) {
		return fmt.Errorf("the store's server did not start%s", s.log)
	}
	s.conn, err = nats.Connect("", nats.InProcessServer(s.server), nats.NoReconnect(), nats.Name("onramp"), nats.Timeout(publishWithin),
		nats.PingInterval(time.Hour))
	if err != nil {
		return fmt.Errorf("the store's server: %w%s", err, s.log)
	}
	s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncTimeout(publishWithin), jetstream.WithPublishAsyncMaxPending(maxWriting))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), publishWithin)
	defer cancel()
	s.stream, err = s.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) && len(m.keys) == 0 && m.last == m.base {
		s.stream, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
			// A key-value bucket as nats.go makes it, with a history of one.
			Name: streamName, Subjects: []string{subjectPrefix + ">"}, Storage: jetstream.FileStorage, Replicas: 1,
			MaxMsgsPerSubject: 1, MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: -1, MaxConsumers: -1, Discard: jetstream.DiscardNew,
			AllowRollup: true, DenyDelete: true, AllowDirect: true, FirstSeq: m.last + 1,
		})
		if err == nil {
			err = s.syncNames()
		}
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		d := &DamageError{Dir: s.dir, Server: s.log.lines()}
		for key, is := range m.keys {
			if !is.deleted {
				d.Records = append(d.Records, Damage{Key: key, Revision: is.revision, What: "missing: the server finds no stream"})
			}
		}
		if len(d.Records) == 0 {
			d.Records = []Damage{{What: fmt.Sprintf("the server finds no stream, and revision %d was acknowledged", m.last)}}
		}
		return d.sorted()
	}
	if err != nil {
		return fmt.Errorf("the store's stream: %w%s", err, s.log)
	}
	return nil
}

// syncNames makes the names of the stream's new directories durable, which the server leaves to chance.
func (s *JetStream) syncNames() error {
	return filepath.WalkDir(filepath.Join(s.dir), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file of the server
		}
		if err == nil && d.IsDir() {
			err = syncDirectory(path)
		}
		return err
	})
}

// verify compares every record of the stream with what was acknowledged, and returns the state that the mark shall say from now on: what
// was acknowledged, and what is in the stream whole though the crash came before its acknowledgement.
func (s *JetStream) verify(m *mark) (*mark, error) {
	seen := &mark{store: m.store, floor: m.floor, last: m.last, keys: make(map[string]marked, len(m.keys))}
	damage := &DamageError{Dir: s.dir}
	below := false
	last, err := s.read(func(revision uint64, key string, e envelope, sum checksum, err error) error {
		if revision < m.floor {
			below = true
			return nil
		}
		was, known := m.keys[key]
		switch {
		case err != nil:
		case known && revision < was.revision:
			err = fmt.Errorf("went back: revision %d was acknowledged, the stream has %d", was.revision, revision)
		case known && revision == was.revision && sum != was.sum:
			err = errors.New("changed: it is not what was acknowledged")
		case known && revision > was.revision && e.after < was.revision:
			err = fmt.Errorf("not the successor of revision %d, which was acknowledged", was.revision)
		case revision > m.last && m.closed:
			err = fmt.Errorf("came after the store was closed at revision %d: the mark went back", m.last)
		}
		if err != nil {
			damage.Records = append(damage.Records, Damage{Key: key, Revision: revision, What: err.Error()})
			seen.keys[key] = marked{} // it is named once
			return nil
		}
		seen.apply(markEntry{key, marked{revision, e.deleted, sum}})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for key, was := range m.keys {
		if _, ok := seen.keys[key]; !ok && !was.deleted {
			damage.Records = append(damage.Records, Damage{Key: key, Revision: was.revision, What: "missing"})
		}
	}
	if last < m.last && len(damage.Records) == 0 {
		damage.Records = append(damage.Records, Damage{
			Revision: last,
			What:     fmt.Sprintf("the stream ends at revision %d, and revision %d was acknowledged", last, m.last),
		})
	}
	if len(damage.Records) > 0 {
		damage.Server = s.log.lines()
		return nil, damage.sorted()
	}
	seen.last = max(seen.last, last)
	if below { // a crash came before or while they were removed
		return seen, s.removeBelow(m.floor)
	}
	return seen, nil
}

// rewrite clears the stream of the records of deleted keys. To remove just these is not safe: the server keeps on the disk that a key was
// deleted in that record alone, and after a crash without it the version before comes back. So all others are written again, then the mark
// says that nothing below them counts, and then that is removed. A crash between the steps leaves a store that says the same.
func (s *JetStream) rewrite(log *markLog) error {
	m := log.state
	renewed := &mark{store: m.store, last: m.last, floor: m.last, keys: make(map[string]marked, m.live)}
	if m.live > 0 {
		renewed.floor = m.last + 1
	}
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	free := make(chan struct{}, rewriters)
	_, err := s.read(func(revision uint64, key string, e envelope, _ checksum, err error) error {
		is := m.keys[key]
		if err != nil || revision < m.floor || revision > m.last {
			return err
		}
		if e.deleted {
			if revision == renewed.floor {
				renewed.apply(markEntry{key, is}) // nothing else is left, and the stream's last record stays
			}
			return nil
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			e.after = m.last
			data, sum := e.encode()
			revision, err := s.publish(e, data, revision)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			renewed.apply(markEntry{key, marked{revision, false, sum}})
		})
		return nil
	})
	wg.Wait()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if renewed.live != m.live {
		return fmt.Errorf("%d of %d records were written again", renewed.live, m.live)
	}
	*m = *renewed
	if err := log.shorten(); err != nil {
		return err
	}
	return s.removeBelow(m.floor)
}

// removeBelow removes the records of no account from the stream. A key that has only such a record is not there, for the server too.
func (s *JetStream) removeBelow(floor uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), publishWithin)
	defer cancel()
	if err := s.stream.Purge(ctx, jetstream.WithPurgeSequence(floor)); err != nil {
		return fmt.Errorf("removing what was written again: %w%s", err, s.log)
	}
	return nil
}

// read visits what is in the stream, in order, and returns the stream's last revision. A record that is not what it should be in itself
// comes with an error; one that the server cannot read does not come, and is missed by who knows what was acknowledged. Nothing may be
// written beside it.
func (s *JetStream) read(visit func(revision uint64, key string, e envelope, sum checksum, err error) error) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), publishWithin)
	defer cancel()
	info, err := s.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the store: %w%s", err, s.log)
	}
	inbox := s.conn.NewInbox()
	batches, err := s.conn.SubscribeSync(inbox)
	if err != nil {
		return 0, fmt.Errorf("reading the store: %w%s", err, s.log)
	}
	defer func() { err = errors.Join(err, batches.Unsubscribe()) }()
	last = info.State.LastSeq
	for next := max(info.State.FirstSeq, 1); next <= last; {
		// The batched form of the direct get, which says plainly when there is no more: ADR-31 of NATS's architecture.
		request := fmt.Sprintf(`{"seq":%d,"batch":%d,"max_bytes":%d}`, next, readAtOnce, MaxValue)
		if err := s.conn.PublishRequest("$JS.API.DIRECT.GET."+streamName, inbox, []byte(request)); err != nil {
			return 0, fmt.Errorf("reading the store: %w%s", err, s.log)
		}
		from := next
		for {
			msg, err := batches.NextMsg(publishWithin)
			if err != nil {
				return 0, fmt.Errorf("reading the store from revision %d on: %w%s", next, err, s.log)
			}
			if status := msg.Header.Get("Status"); status == "204" || status == "404" {
				break // the end of the batch; or nothing more, or nothing that can be read
			} else if status != "" {
				return 0, fmt.Errorf("reading the store: %s %s%s", status, msg.Header.Get("Description"), s.log)
			}
			revision, err := strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
			if err != nil || revision < next {
				return 0, fmt.Errorf("reading the store: revision %q comes where %d is due", msg.Header.Get(jetstream.SequenceHeader), next)
			}
			next = revision + 1
			if err := s.visit(msg, revision, visit); err != nil {
				return 0, err
			}
		}
		if next == from {
			next++ // the server stops at what it cannot read, and nothing tells how long that is
		}
	}
	return last, nil
}

// visit examines one message of the stream.
func (s *JetStream) visit(msg *nats.Msg, revision uint64, visit func(uint64, string, envelope, checksum, error) error) error {
	subject := msg.Header.Get(jetstream.SubjectHeader)
	key, err := keyOf(subject)
	if err != nil {
		return visit(revision, subject, envelope{}, checksum{}, err)
	}
	e, sum, size, err := decodeEnvelope(msg.Data)
	switch {
	case err != nil:
	case size != len(msg.Data):
		err = fmt.Errorf("%d octets follow the record", len(msg.Data)-size)
	case e.key != key:
		err = fmt.Errorf("the record is one of %s", e.key)
	case e.store != s.id:
		err = errors.New("the record is one of another store")
	case e.after >= revision:
		err = fmt.Errorf("the record was written after revision %d and is at %d", e.after, revision)
	}
	return visit(revision, key, e, sum, err)
}

// Load implements Store. Every record is compared with what was acknowledged, as when the store was opened.
func (s *JetStream) Load(visit func(Record) error) error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return ErrClosed
	}
	visited := 0
	damage := &DamageError{Dir: s.dir}
	_, err := s.read(func(revision uint64, key string, e envelope, sum checksum, err error) error {
		if revision < s.mark.floor {
			return nil
		}
		is, known := s.mark.keys[key]
		if err == nil && (!known || is.revision != revision || is.sum != sum) {
			err = errors.New("changed: it is not what was acknowledged")
		}
		if err != nil {
			damage.Records = []Damage{{Key: key, Revision: revision, What: err.Error()}}
			return damage
		}
		if e.deleted {
			return nil
		}
		visited++
		return visit(Record{Key: key, Value: e.value, Revision: revision})
	})
	if err == nil && visited != s.mark.live {
		damage.Records = []Damage{{What: fmt.Sprintf("%d keys were acknowledged, the stream has %d", s.mark.live, visited)}}
		return damage
	}
	return err
}

// Put implements Store.
func (s *JetStream) Put(key string, value []byte, was uint64) (uint64, error) {
	return s.Begin(Write{Key: key, Value: value, Was: was}).Wait()
}

// Delete implements Store.
func (s *JetStream) Delete(key string, was uint64) (uint64, error) {
	return s.Begin(Write{Key: key, Was: was, Delete: true}).Wait()
}

// Begin implements Store. The stream takes writes in the order in which they are published, and each is on the disk before the next is
// looked at; a goroutine for each write under way sees it through. Writes of one key wait for each other, so that a loser is told when the
// winner's record is there.
func (s *JetStream) Begin(w Write) *Writing {
	out := newWriting()
	if err := checkRecord(w.Key, w.Value); err != nil {
		return out.end(0, err)
	}
	s.gate.RLock()
	if s.closed {
		s.gate.RUnlock()
		return out.end(0, ErrClosed)
	}
	refuse := func(err error) *Writing {
		s.gate.RUnlock()
		return out.end(0, err)
	}
	if w.Delete && w.Was == 0 {
		return refuse(ErrConflict)
	}
	before, after, err := s.begin(w.Key, w.Was)
	if err != nil {
		return refuse(err)
	}
	e := envelope{key: w.Key, value: w.Value, deleted: w.Delete, store: s.id, after: after}
	data, sum := e.encode()
	ack, err := s.js.PublishMsgAsync(message(e, data), expecting(before)...)
	go func() {
		defer s.gate.RUnlock()
		revision, err := s.acknowledged(e, ack, err)
		if err == nil {
			done := make(chan error, 1)
			s.queue <- commit{markEntry{e.key, marked{revision, e.deleted, sum}}, done}
			err = <-done
		} else {
			err = s.fail(err)
		}
		s.end(e.key)
		if err != nil {
			revision = 0
		}
		out.end(revision, err)
	}()
	return out
}

// begin takes a key for a write if its revision is was. It returns the revision that the stream has for the key, which for a deleted key
// is that of its deletion, and the last revision of all.
func (s *JetStream) begin(key string, was uint64) (before, after uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy[key] != nil {
		other := s.busy[key]
		s.mu.Unlock()
		<-other
		s.mu.Lock()
	}
	if s.failed != nil {
		return 0, 0, s.failed
	}
	is := s.mark.keys[key]
	if present := is.revision; is.deleted && was != 0 || !is.deleted && present != was {
		return 0, 0, ErrConflict
	}
	s.busy[key] = make(chan struct{})
	return is.revision, s.mark.last, nil
}

func (s *JetStream) end(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.busy[key])
	delete(s.busy, key)
}

// message is an envelope on its way to the stream.
func message(e envelope, data []byte) *nats.Msg {
	msg := &nats.Msg{Subject: subjectOf(e.key), Data: data, Header: nats.Header{}}
	if e.deleted {
		msg.Header.Set("KV-Operation", "DEL") // for other readers of the bucket; we go by the envelope
	}
	return msg
}

// expecting has the server compare the revision too. A write is never sent again: it may have arrived.
func expecting(before uint64) []jetstream.PublishOpt {
	return []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(before), jetstream.WithExpectStream(streamName), jetstream.WithRetryAttempts(0), jetstream.WithStallWait(publishWithin)}
}

// acknowledged waits for the stream's answer to a write.
func (s *JetStream) acknowledged(e envelope, ack jetstream.PubAckFuture, err error) (uint64, error) {
	if err == nil {
		select {
		case a := <-ack.Ok():
			return a.Sequence, nil
		case err = <-ack.Err():
		}
	}
	return 0, fmt.Errorf("writing %s: %w%s", e.key, err, s.log)
}

// publish writes to the stream and waits for its answer.
func (s *JetStream) publish(e envelope, data []byte, before uint64) (uint64, error) {
	ack, err := s.js.PublishMsgAsync(message(e, data), expecting(before)...)
	return s.acknowledged(e, ack, err)
}

// fail ends the taking of writes: after an error nobody knows what is on the disk, until the store is opened again and compared.
func (s *JetStream) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = fmt.Errorf("the store takes no more writes until it is opened again, because one failed: %w", err)
	}
	return s.failed
}

// commits writes the mark: all that is waiting in one frame, with one write to the disk. It ends when the queue is closed.
func (s *JetStream) commits(log *markLog) {
	defer close(s.done)
	defer log.close()
	var group []commit
	var entries []markEntry
	for first := range s.queue {
		group = append(group[:0], first)
		for len(group) < markGroup && len(s.queue) > 0 {
			group = append(group, <-s.queue)
		}
		entries = entries[:0]
		for _, c := range group {
			entries = append(entries, c.entry)
		}
		err := s.commit(log, entries)
		for _, c := range group {
			c.done <- err
		}
	}
	s.commit(log, nil)
}

// commit writes a group, or with none the end of the log.
func (s *JetStream) commit(log *markLog, group []markEntry) error {
	s.mu.Lock()
	err := s.failed
	if err == nil {
		for _, e := range group {
			s.mark.apply(e)
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	kind := byte(frameWrites)
	if len(group) == 0 {
		kind = frameClosed
	}
	if err := log.append(kind, group); err != nil {
		return s.fail(fmt.Errorf("writing the mark: %w", err))
	}
	return nil
}

// Close implements Store.
func (s *JetStream) Close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.closed = true
	s.stop()
	close(s.queue)
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.failed, s.lock.Close())
}

// stop ends client and server.
func (s *JetStream) stop() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
}

// Damage is a record that was acknowledged and cannot be had as it was.
type Damage struct {
	Key      string // empty when it is not known which record it was
	Revision uint64 // which was acknowledged or found; 0 if not known
	What     string // missing, went back, changed
}

// DamageError says what a store has lost.
type DamageError struct {
	Dir     string
	Records []Damage // in the order of keys
	Server  []string // what the server said when it read its files
}

// namedDamages is how many records the error's text names.
const namedDamages = 10

func (e *DamageError) Error() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: the store is damaged", e.Dir)
	for i, d := range e.Records {
		if i == namedDamages {
			fmt.Fprintf(&out, "; and %d more", len(e.Records)-i)
			break
		}
		sep := ";"
		if i == 0 {
			sep = ":"
		}
		out.WriteString(sep)
		if d.Key != "" {
			fmt.Fprintf(&out, " %s (revision %d):", d.Key, d.Revision)
		}
		out.WriteString(" " + d.What)
	}
	for _, line := range e.Server {
		out.WriteString("; the server says: " + line)
	}
	return out.String()
}

func (e *DamageError) sorted() *DamageError {
	slices.SortFunc(e.Records, func(a, b Damage) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Revision, b.Revision)) })
	return e
}

// serverLog keeps the first warnings and errors of the server, for the error that follows from them.
type serverLog struct {
	mu   sync.Mutex
	kept []string
}

const keptLines = 8

func (l *serverLog) keep(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) < keptLines {
		l.kept = append(l.kept, fmt.Sprintf(format, args...))
	}
}

func (l *serverLog) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept)
}

// String is the end of a sentence about an error.
func (l *serverLog) String() string {
	if lines := l.lines(); len(lines) > 0 {
		return " (the server says: " + strings.Join(lines, "; ") + ")"
	}
	return ""
}

// Warnf, Errorf and Fatalf implement server.Logger.
func (l *serverLog) Warnf(format string, args ...any)  { l.keep(format, args...) }
func (l *serverLog) Errorf(format string, args ...any) { l.keep(format, args...) }
func (l *serverLog) Fatalf(format string, args ...any) { l.keep(format, args...) }

// Noticef, Debugf and Tracef implement server.Logger; nobody needs them.
func (l *serverLog) Noticef(string, ...any) {}
func (l *serverLog) Debugf(string, ...any)  {}
func (l *serverLog) Tracef(string, ...any)  {}
