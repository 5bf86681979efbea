package runner

import "sync"

// slots are the programs that may run at once. A run takes one before anything of it is made, and gives it back when
// nothing of it is left.
type slots struct {
	mutex     sync.Mutex
	all, free int
	closed    bool
}

func (s *slots) take() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed || s.free == 0 {
		return false
	}
	s.free--
	return true
}

func (s *slots) give() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.free++
}

func (s *slots) count() (free int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.free
}

// close lets nobody take one any more.
func (s *slots) close() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closed = true
}
