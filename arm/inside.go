package arm

import (
	"bytes"
	"net/http"
	"net/url"
)

// answered is what a request of a deployment came to.
type answered struct {
	status int
	body   []byte
	began  *operation // the long-running operation that it began; nil where there is none
}

// reception is an answer on its way to a deployment.
type reception struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *reception) Header() http.Header         { return w.header }
func (w *reception) WriteHeader(status int)      { w.status = status }
func (w *reception) Write(b []byte) (int, error) { return w.body.Write(b) }

// inside carries out a request for somebody who has sent a deployment, as if they had sent the request: what they may not do is refused.
// What it writes need not be durable when it comes back. When only asked, nothing is done: it tells what would be refused before the body is
// looked at.
func (s *Server) inside(by *Principal, method, id, version string, body []byte, only bool) (answered, *Error) {
	u := &url.URL{Path: id, RawQuery: url.Values{"api-version": {version}}.Encode()}
	w := &reception{header: http.Header{}, status: http.StatusOK}
	x := &exchange{Server: s, w: w, r: &http.Request{Method: method, URL: u, Header: http.Header{}}, caller: by, body: body, inner: true, asking: only}
	if err := clean(u); err != nil {
		return answered{}, err
	}
	if err := x.carryOut(); err != nil {
		return answered{}, err
	}
	return answered{status: w.status, body: w.body.Bytes(), began: x.began}, nil
}
