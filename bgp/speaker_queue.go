package bgp

// The neighbours wait in a binary heap, the next deadline first; those of equal deadlines by their IDs, so that the order of what
// happens never depends on how it came about.

func earlier(a, b *neighbor) bool {
	return a.deadline < b.deadline || a.deadline == b.deadline && a.id < b.id
}

// enqueue sets the neighbour's deadline and its place.
func (s *Speaker) enqueue(n *neighbor) {
	at := never
	if int(n.id) < len(s.neighbors) && s.neighbors[n.id] == n {
		at = n.next()
	}
	if at == never {
		s.dequeue(n)
		return
	}
	n.deadline = at
	if n.at < 0 {
		n.at = len(s.queue)
		s.queue = append(s.queue, n)
	}
	s.sink(s.rise(n.at))
}

// dequeue takes the neighbour out.
func (s *Speaker) dequeue(n *neighbor) {
	i := n.at
	if i < 0 {
		return
	}
	last := len(s.queue) - 1
	s.swap(i, last)
	s.queue[last] = nil
	s.queue = s.queue[:last]
	n.at, n.deadline = -1, never
	if i < last {
		s.sink(s.rise(i))
	}
}

func (s *Speaker) swap(i, j int) {
	s.queue[i], s.queue[j] = s.queue[j], s.queue[i]
	s.queue[i].at, s.queue[j].at = i, j
}

func (s *Speaker) rise(i int) int {
	for i > 0 && earlier(s.queue[i], s.queue[(i-1)/2]) {
		s.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	return i
}

func (s *Speaker) sink(i int) {
	for {
		least := i
		for _, j := range [...]int{2*i + 1, 2*i + 2} {
			if j < len(s.queue) && earlier(s.queue[j], s.queue[least]) {
				least = j
			}
		}
		if least == i {
			return
		}
		s.swap(i, least)
		i = least
	}
}
