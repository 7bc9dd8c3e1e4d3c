// textparse reads one page with Prometheus' own parser and tells what it read.
//
//	usage: textparse CONTENT-TYPE < page
//
// It prints one JSON object. "error" is what the parser refused the page for; "problems" is what the parser lets through: a family or a
// series that is there twice, a label that is, names of two families that meet, buckets that are none. Exit code 0 if there is neither.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: textparse CONTENT-TYPE < page")
		os.Exit(3)
	}
	page, err := io.ReadAll(os.Stdin)
	read := newReading()
	if err == nil {
		err = read.all(page, os.Args[1])
	}
	read.judge()
	told := map[string]any{"families": read.families, "problems": read.problems, "error": nil}
	code := 0
	if err != nil {
		told["error"], code = err.Error(), 1
	} else if len(read.problems) > 0 {
		code = 2
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 3
	}
	os.Exit(code)
}

// all reads the page to its end, or to what the parser refuses.
func (r *reading) all(page []byte, contentType string) error {
	r.isProtobuf = strings.HasPrefix(contentType, "application/vnd.google.protobuf")
	parser, err := textparse.New(page, contentType, labels.NewSymbolTable(), textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
	if err != nil {
		return err
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch entry {
		case textparse.EntryType:
			name, kind := parser.Type()
			r.typed(string(name), string(kind))
		case textparse.EntryHelp:
			name, help := parser.Help()
			r.enter(string(name)).Help = string(help)
		case textparse.EntryUnit:
			name, unit := parser.Unit()
			r.enter(string(name)).Unit = string(unit)
		case textparse.EntrySeries:
			r.series(parser)
		case textparse.EntryHistogram:
			r.native(parser)
		default:
			r.problem("an entry that is not written: %v", entry)
		}
	}
}

func (r *reading) series(parser textparse.Parser) {
	var all labels.Labels
	parser.Labels(&all)
	_, timestamp, value := parser.Series()
	if name, twice := all.HasDuplicateLabelNames(); twice {
		r.problem("label %s is there twice in %s", name, all)
	}
	if timestamp != nil {
		r.problem("%s has a time", all)
	}
	if start := parser.StartTimestamp(); start != 0 && !r.isStart(start) {
		r.problem("%s began at %d, which is no time or none that this format tells", all, start)
	}
	r.add(all, value, exemplars(parser))
}

// isStart says whether a series can have begun then, in milliseconds: lately, and told in protobuf only.
func (r *reading) isStart(at int64) bool {
	now := time.Now()
	return r.isProtobuf && at > now.Add(-24*time.Hour).UnixMilli() && at <= now.UnixMilli()
}

// native reads the native buckets of a histogram.
func (r *reading) native(parser textparse.Parser) {
	var all labels.Labels
	parser.Labels(&all)
	_, timestamp, whole, fractions := parser.Histogram()
	if timestamp != nil || fractions != nil || whole == nil {
		r.problem("%s has a time, or counts that are no whole numbers", all)
		return
	}
	if err := whole.Validate(); err != nil {
		r.problem("%s: %v", all, err)
	}
	r.addNative(all, whole, exemplars(parser))
}

func exemplars(parser textparse.Parser) []map[string]any {
	told := []map[string]any{}
	var one exemplar.Exemplar
	for parser.Exemplar(&one) {
		told = append(told, map[string]any{"labels": one.Labels.Map(), "value": number(one.Value), "time": one.Ts})
		one = exemplar.Exemplar{}
	}
	return told
}
