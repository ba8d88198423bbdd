package twin

import (
	"context"
	"errors"
	"net/http"
)

// net lets something go wrong, or ends it.
func (t *Twin) net(ctx context.Context, n Net) (Done, error) {
	switch {
	case n.Fault != nil:
		f, err := t.estate.fault(ctx, *n.Fault)
		if err != nil {
			return Done{}, err
		}
		return Done{Message: f.What, Faults: []*Fault{f}}, nil
	case n.All || len(n.Restore) > 0:
		targets := n.Restore
		if n.All {
			targets = nil
		}
		list, err := t.estate.restore(ctx, targets...)
		return Done{Message: restored(list), Faults: list}, err
	}
	return Done{}, Refusal{errors.New("the command says nothing about the network")}
}

// restored says which faults have ended.
func restored(list []*Fault) string {
	said := "nothing was wrong"
	for i, f := range list {
		if i == 0 {
			said = "restored: " + f.What
		} else {
			said += ", " + f.What
		}
	}
	return said
}

// netControls answers questions about the network.
func (t *Twin) netControls(mux *http.ServeMux, send func(http.ResponseWriter, any, error)) {
	_ = mux
	_ = send
}
