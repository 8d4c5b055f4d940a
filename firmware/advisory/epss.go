package advisory

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// An EPSS is the estimate of FIRST's Exploit Prediction Scoring System that a
// vulnerability will be exploited within thirty days.
type EPSS struct {
	Score      float64 `json:"score"`      // 0 to 1
	Percentile float64 `json:"percentile"` // 0 to 1
	Date       string  `json:"date,omitempty"`
}

// maxScores bounds how many lines of a score file are read.
const maxScores = 2_000_000

// readEPSS reads the daily score file: a comment with the date, a heading
// (cve,epss,percentile) and a line for each vulnerability. Only those that
// wanted has are kept.
func readEPSS(r io.Reader, wanted map[string]bool) (map[string]EPSS, error) {
	br := bufio.NewReader(r)
	date := ""
	if b, err := br.Peek(1); err == nil && b[0] == '#' {
		line, err := br.ReadString('\n')
		if err != nil {
			return nil, &Error{Reason: "a score file of one line", Err: err}
		}
		if _, after, ok := strings.Cut(line, "score_date:"); ok && len(after) >= len(time.DateOnly) {
			if t, err := time.Parse(time.DateOnly, after[:len(time.DateOnly)]); err == nil {
				date = t.Format(time.DateOnly)
			}
		}
	}
	cr := csv.NewReader(br)
	cr.FieldsPerRecord, cr.ReuseRecord = 3, true
	head, err := cr.Read()
	if err != nil || head[0] != "cve" || head[1] != "epss" || head[2] != "percentile" {
		return nil, &Error{Reason: "no score file: its heading is not cve,epss,percentile", Err: err}
	}
	out := map[string]EPSS{}
	for range maxScores {
		line, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, &Error{Reason: "a line of the score file is broken", Err: err}
		}
		if !wanted[line[0]] {
			continue
		}
		score, err1 := strconv.ParseFloat(line[1], 64)
		rank, err2 := strconv.ParseFloat(line[2], 64)
		if err := errors.Join(err1, err2); err != nil || !(score >= 0 && score <= 1 && rank >= 0 && rank <= 1) {
			return nil, &Error{ID: clip(line[0]), Reason: "a score is not between 0 and 1", Err: err}
		}
		out[strings.Clone(line[0])] = EPSS{Score: score, Percentile: rank, Date: date}
	}
	return nil, &Error{Reason: "the score file is too long"}
}
