package main

import (
	"maps"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
)

// distribution is a histogram while its samples go by.
type distribution struct {
	bound, below, count float64
	negative            bool
}

// judge looks for what the parser does not.
func (r *reading) judge() {
	for _, one := range r.families {
		for _, ending := range endings[one.Type] {
			if r.byName[one.Name+ending] != nil {
				r.problem("family %s has a name of the samples of %s", one.Name+ending, one.Name)
			}
		}
		if one.Type == "histogram" {
			r.judgeHistogram(one)
		}
	}
}

func (r *reading) judgeHistogram(one *family) {
	all := map[string]*distribution{}
	for _, sample := range one.Samples {
		others := maps.Clone(sample.Labels)
		delete(others, "le")
		key := one.Name + labels.FromMap(others).String()
		if all[key] == nil {
			all[key] = &distribution{bound: math.Inf(-1), count: math.NaN()}
		}
		switch sample.Name {
		case one.Name + "_bucket":
			r.judgeBucket(key, all[key], sample)
		case one.Name + "_count":
			all[key].count = float64(sample.Value)
		}
	}
	for key, is := range all {
		if !math.IsInf(is.bound, 1) {
			r.problem("%s has no bucket without a bound", key)
		}
		// Where a sum may fall OpenMetrics has neither sum nor count.
		if is.count != is.below && !(is.negative && math.IsNaN(is.count)) {
			r.problem("%s counts %v, its last bucket %v", key, is.count, is.below)
		}
	}
}

func (r *reading) judgeBucket(key string, is *distribution, bucket *sample) {
	bound, err := strconv.ParseFloat(bucket.Labels["le"], 64)
	count := float64(bucket.Value)
	if err != nil || bound <= is.bound || count < is.below || count != math.Trunc(count) {
		r.problem("%s has a bad bucket: %v at %q after %v at %v", key, count, bucket.Labels["le"], is.below, is.bound)
	}
	is.bound, is.below, is.negative = bound, count, is.negative || bound < 0
}
