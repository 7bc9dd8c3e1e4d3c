package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// The endings of the samples of a family, by its type.
var endings = map[string][]string{
	"counter":   {"_total", "_created"},
	"histogram": {"_bucket", "_count", "_sum", "_created"},
	"summary":   {"_count", "_sum", "_created"},
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
	// Labels, value and time in milliseconds.
	Exemplars []map[string]any `json:"exemplars"`
}

// native is a histogram as its native buckets tell it.
type native struct {
	Labels    map[string]string `json:"labels"`
	Schema    int32             `json:"schema"`
	Count     uint64            `json:"count"`
	Sum       number            `json:"sum"`
	ZeroCount uint64            `json:"zero_count"`
	// Bounds and counts of the buckets that have some, the zero bucket included.
	Buckets   []any            `json:"buckets"`
	Exemplars []map[string]any `json:"exemplars"`
}

type family struct {
	Name    string    `json:"name"`
	Type    string    `json:"type"`
	Unit    string    `json:"unit"`
	Help    string    `json:"help"`
	Samples []*sample `json:"samples"`
	Natives []*native `json:"natives"`
	typed   bool
}

// reading is what was read of a page so far.
type reading struct {
	families   []*family
	problems   []string
	byName     map[string]*family
	seen       map[string]bool
	current    *family
	isProtobuf bool
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
	r.current = &family{Name: name, Type: "unknown", Samples: []*sample{}, Natives: []*native{}}
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

func (r *reading) addNative(all labels.Labels, whole *histogram.Histogram, exemplars []map[string]any) {
	one := &native{
		Labels: all.Map(), Schema: whole.Schema, Count: whole.Count, Sum: number(whole.Sum), ZeroCount: whole.ZeroCount,
		Buckets: []any{}, Exemplars: exemplars}
	delete(one.Labels, "__name__")
	for buckets := whole.ToFloat(nil).AllBucketIterator(); buckets.Next(); {
		if bucket := buckets.At(); bucket.Count > 0 {
			one.Buckets = append(one.Buckets, []number{number(bucket.Lower), number(bucket.Upper), number(bucket.Count)})
		}
	}
	if r.current == nil || r.current.Name != all.Get("__name__") {
		r.problem("native buckets of %s stand in another family", all)
		return
	}
	r.current.Natives = append(r.current.Natives, one)
}

func (r *reading) add(all labels.Labels, value float64, exemplars []map[string]any) {
	one := &sample{Name: all.Get("__name__"), Labels: all.Map(), Value: number(value), Exemplars: exemplars}
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
