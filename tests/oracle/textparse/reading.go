package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
)

// The endings of the samples of a family, by its type.
var endings = map[string][]string{
	"counter":   {"_total", "_created"},
	"histogram": {"_bucket", "_count", "_sum", "_created"},
	"info":      {"_info"},
}

// number is a float that JSON can carry: as text if it is none or has no end.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if value := float64(n); math.IsNaN(value) || math.IsInf(value, 0) {
		return json.Marshal(strconv.FormatFloat(value, 'g', -1, 64))
	}
	return json.Marshal(float64(n))
}

type sample struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Value  number            `json:"value"`
}

type family struct {
	Name    string    `json:"name"`
	Type    string    `json:"type"`
	Unit    string    `json:"unit"`
	Help    string    `json:"help"`
	Samples []*sample `json:"samples"`
	typed   bool
}

// reading is what was read of a page so far.
type reading struct {
	families []*family
	problems []string
	byName   map[string]*family
	seen     map[string]bool
	current  *family
}

func newReading() *reading {
	return &reading{families: []*family{}, problems: []string{}, byName: map[string]*family{}, seen: map[string]bool{}}
}

func (r *reading) problem(format string, values ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, values...))
}

// enter goes over to a family; none is left and entered again.
func (r *reading) enter(name string) *family {
	if r.current != nil && r.current.Name == name {
		return r.current
	}
	if known := r.byName[name]; known != nil {
		r.problem("family %s is taken up again", name)
		r.current = known
		return known
	}
	r.current = &family{Name: name, Type: "unknown", Samples: []*sample{}}
	r.byName[name] = r.current
	r.families = append(r.families, r.current)
	return r.current
}

func (r *reading) typed(name, kind string) {
	entered := r.enter(name)
	if entered.typed {
		r.problem("family %s has two types", name)
	}
	entered.Type, entered.typed = kind, true
}

func (r *reading) add(all labels.Labels, value float64) {
	one := &sample{Name: all.Get("__name__"), Labels: all.Map(), Value: number(value)}
	delete(one.Labels, "__name__")
	if key := all.String(); r.seen[key] {
		r.problem("series %s is there twice", key)
	} else {
		r.seen[key] = true
	}
	if r.current == nil || !r.current.owns(one.Name) {
		r.enter(one.Name)
	}
	r.current.Samples = append(r.current.Samples, one)
}

func (f *family) owns(name string) bool {
	return f.Name == name || slices.ContainsFunc(endings[f.Type], func(ending string) bool { return name == f.Name+ending })
}
