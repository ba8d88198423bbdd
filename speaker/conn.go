package speaker

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"onramp/bgp"
)

// conn is a connection. Its reader owns the socket: it alone closes it, except that a loop that ends does so to make it end.
type conn struct {
	id     bgp.ConnID
	peer   *peer
	socket *net.TCPConn
	gone   bool // the core does not know it any more; the loop's

	wakeup chan struct{} // to the writer: look at pending
	over   chan struct{} // closed by the reader when it ends

	mu      sync.Mutex
	pending []byte // what is to be sent
	spare   []byte // what pending was before; the two take turns
	last    bool   // nothing comes after pending
}

func newConn(id bgp.ConnID, p *peer, socket *net.TCPConn) *conn {
	return &conn{id: id, peer: p, socket: socket, wakeup: make(chan struct{}, 1), over: make(chan struct{})}
}

// push queues bytes for the writer, who is woken when the loop has nothing else to do.
func (l *loop) push(c *conn, b []byte) {
	c.mu.Lock()
	first := len(c.pending) == 0 && !c.last
	c.pending = append(c.pending, b...)
	c.mu.Unlock()
	if first {
		l.dirty = append(l.dirty, c)
	}
}

// finish lets the writer close the connection after what is queued.
func (l *loop) finish(c *conn) {
	c.mu.Lock()
	c.last = true
	c.mu.Unlock()
	l.dirty = append(l.dirty, c)
}

// wake wakes the writers that have something to do.
func (l *loop) wake() {
	for i, c := range l.dirty {
		select {
		case c.wakeup <- struct{}{}:
		default: // it is awake already
		}
		l.dirty[i] = nil
	}
	l.dirty = l.dirty[:0]
}

// read tells the loop what comes until nothing does, and closes the socket.
func (l *loop) read(c *conn) {
	defer l.wg.Done()
	defer l.send(input{kind: inEnded, conn: c})
	defer close(c.over)
	defer c.socket.Close()
	next := reader(c.socket, &l.buffers)
	for {
		buf, n, err := next()
		if n > 0 {
			if !l.send(input{kind: inReceived, conn: c, buf: buf, n: n}) {
				return
			}
		} else if buf != nil {
			l.buffers.Put(buf)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			l.send(input{kind: inClosed, conn: c, err: err})
			return
		}
	}
}

// write sends what is queued until the last of it, or until the reader has ended. Whatever ends it, the reader gets only a moment
// more: for the neighbour's own last words, and so that no unread byte makes the system reset the connection, and with it take
// back what was sent but not read.
func (l *loop) write(c *conn) {
	defer l.wg.Done()
	for {
		select {
		case <-c.wakeup:
		case <-c.over:
			return
		}
		for {
			b, last := c.take()
			if len(b) == 0 {
				if last {
					_ = c.socket.CloseWrite() // it may have failed already
					_ = c.socket.SetReadDeadline(time.Now().Add(lingerTime))
					return
				}
				break
			}
			if last {
				_ = c.socket.SetWriteDeadline(time.Now().Add(lingerTime)) // a neighbour that does not read does not hold it up
			}
			if _, err := c.socket.Write(b); err != nil {
				_ = c.socket.SetReadDeadline(time.Now().Add(lingerTime))
				return
			}
			if !last && !l.send(input{kind: inSent, conn: c, n: len(b)}) {
				return
			}
		}
	}
}

// take is what is to be sent now; it stays the writer's until the next call.
func (c *conn) take() (b []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b = c.pending
	if cap(c.spare) > keepBuffer {
		c.spare = nil
	}
	c.pending, c.spare = c.spare[:0], b
	return b, c.last
}
