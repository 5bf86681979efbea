package runner

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

const (
	maxArtifactBytes = 8 << 20
	mostHeldBytes    = 64 << 20
)

type artifact struct {
	digest  string
	content []byte
}

// artifacts holds bundles by their SHA-256. It is a cache with a bound: what falls out is uploaded again by whoever needs it.
type artifacts struct {
	mutex  sync.Mutex
	held   map[string]*list.Element
	recent *list.List // of artifact, the latest in front
	bytes  int
}

func newArtifacts() *artifacts {
	return &artifacts{held: make(map[string]*list.Element), recent: list.New()}
}

func (a *artifacts) get(digest string) ([]byte, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	element, ok := a.held[digest]
	if !ok {
		return nil, false
	}
	a.recent.MoveToFront(element)
	return element.Value.(artifact).content, true
}

func (a *artifacts) put(content []byte) string {
	digest := digestOf(content)
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if element, ok := a.held[digest]; ok {
		a.recent.MoveToFront(element)
		return digest
	}
	a.held[digest] = a.recent.PushFront(artifact{digest, content})
	for a.bytes += len(content); a.bytes > mostHeldBytes; {
		oldest := a.recent.Remove(a.recent.Back()).(artifact)
		delete(a.held, oldest.digest)
		a.bytes -= len(oldest.content)
	}
	return digest
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
