package camsec

import "time"

// ReportOptions say for whom a report is made and how. The zero value, and a
// nil pointer, name nobody, write times in UTC and leave nothing out.
type ReportOptions struct {
	Customer string
	Site     string
	Operator string // who made the report
	Ticket   string // the order or case it belongs to
	// Zone is the time zone of times that people read; nil means UTC. JSON
	// and its kin are always in UTC.
	Zone *time.Location
}

func (o *ReportOptions) orDefaults() ReportOptions {
	var out ReportOptions
	if o != nil {
		out = *o
	}
	if out.Zone == nil {
		out.Zone = time.UTC
	}
	return out
}

// about is the head of a report: what the options say of it.
type about struct {
	Customer string `json:"customer,omitempty"`
	Site     string `json:"site,omitempty"`
	Operator string `json:"operator,omitempty"`
	Ticket   string `json:"ticket,omitempty"`
}

func (o ReportOptions) about() about {
	return about{printable(o.Customer), printable(o.Site), printable(o.Operator), printable(o.Ticket)}
}

// lines are the head for people, label and text.
func (a about) lines() [][2]string {
	var out [][2]string
	for _, l := range [][2]string{{"Customer", a.Customer}, {"Site", a.Site}, {"Operator", a.Operator}, {"Ticket", a.Ticket}} {
		if l[1] != "" {
			out = append(out, l)
		}
	}
	return out
}
