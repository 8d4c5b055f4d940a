package advisory

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
)

// An entry is an advisory of Acme's with rows.
func entry(id string, exploited bool, rows ...Row) Advisory {
	a := Advisory{ID: id, Vendor: "acme", Title: id, Affected: rows}
	if exploited {
		a.KnownExploited = &Exploited{DateAdded: "2025-01-01"}
	}
	return a
}

func row(source, op, value string, patterns ...string) Row {
	return Row{Source: source, Patterns: patterns, Range: []Constraint{{Field: "version", Op: op, Value: value}}}
}

func acme(model, version string) camsec.Inventory {
	return camsec.Inventory{Vendor: "Acme", Model: model, Firmware: camsec.Firmware{Raw: version}}
}

// What an owner must hear first comes first.
func TestOrderOfFindings(t *testing.T) {
	db := dbOf(
		t, "2026-01-01",
		entry("not", true, row("s", "<", "1.0", "CAM-1000")),
		entry("unknown", false, Row{Patterns: []string{"CAM-1000"}, Range: []Constraint{{Field: "build", Op: "<", Value: "200101"}}, Vague: true}),
		entry("possible", false, Row{Patterns: []string{"CAM-1000"}, RangeUnknown: true}),
		entry("affected", false, row("s", "<", "3.0", "CAM-1000")),
		entry("possible, exploited", true, Row{Patterns: []string{"CAM-1000"}, RangeUnknown: true}),
		entry("affected, exploited", true, row("s", "<", "3.0", "CAM-1000")),
		entry("affected, later", false, row("s", "<", "3.0", "CAM-1000")),
	)
	var got []string
	for _, f := range db.Match(acme("CAM-1000", "2.0")) {
		got = append(got, f.ID)
	}
	assert.Equal(t, []string{"affected, exploited", "affected", "affected, later", "possible, exploited", "unknown", "possible", "not"}, got)
}

// One row that lets a device go does not free it from another that holds it;
// two sources that disagree are told.
func TestSeveralRows(t *testing.T) {
	for _, tt := range []struct {
		name     string
		rows     []Row
		want     Status
		source   string
		conflict string
	}{
		{"one source, two ranges", []Row{row("s", "<", "1.0", "CAM-1000"), row("s", "<", "3.0", "CAM-1000")}, Affected, "s", ""},
		{"in the other order", []Row{row("s", "<", "3.0", "CAM-1000"), row("s", "<", "1.0", "CAM-1000")}, Affected, "s", ""},
		{"two sources", []Row{row("a", "<", "1.0", "CAM-1000"), row("b", "<", "3.0", "CAM-1000")}, PossiblyAffected, "b", "a says otherwise: model CAM-1000 is listed, but version 2.0 is not before 1.0"},
		{"two that agree", []Row{row("a", "<", "4.0", "CAM-1000"), row("b", "<", "3.0", "CAM-1000")}, Affected, "a", ""},
		{"a looser one does not count", []Row{row("a", "<", "1.0", "CAM-100?"), row("b", "<", "3.0", "C*")}, NotAffected, "a", ""},
		{"no row at all", []Row{row("a", "<", "9.0", "CAM-2000")}, NotAffected, "", ""},
		{"every model", []Row{row("a", "<", "9.0", "*")}, Affected, "a", ""},
		{"software of that name", []Row{{Source: "a", Patterns: []string{"cam-1000"}, Software: true}}, Affected, "a", ""},
		{"software of another", []Row{{Source: "a", Patterns: []string{"CAM-100?"}, Software: true}}, NotAffected, "", ""},
	} {
		f := dbOf(t, "2026-01-01", entry("X", false, tt.rows...)).Match(acme("CAM-1000", "2.0"))
		require.Len(t, f, 1, tt.name)
		assert.Equal(t, tt.want, f[0].Status, "%s: %s", tt.name, f[0].Reason)
		assert.Equal(t, tt.source, f[0].Source, tt.name)
		assert.Equal(t, tt.conflict, f[0].Conflict, tt.name)
		if tt.name == "every model" {
			assert.Contains(t, f[0].Reason, "every model is listed, and version 2.0 is before 9.0")
		} else if tt.want == Affected {
			assert.Contains(t, f[0].Reason, "model CAM-1000 is listed, and ")
		}
	}
}

// Without a model only the versions decide, and only where no row that could
// mean the device holds them.
func TestWithoutAModel(t *testing.T) {
	for _, tt := range []struct {
		row  Row
		want Status
	}{
		{row("s", "<", "1.0", "CAM-1000"), NotAffected},
		{row("s", "<", "3.0", "CAM-1000"), Unknown},
		{Row{Patterns: []string{"CAM-1000"}, RangeUnknown: true, Range: []Constraint{{Field: "version", Op: "<", Value: "1.0"}}}, Unknown},
		{Row{Patterns: []string{"CAM-1000"}, Conflict: &Conflict{Source: "b"}, Range: []Constraint{{Field: "version", Op: "<", Value: "1.0"}}}, Unknown},
		{Row{Patterns: []string{"Acme Manager"}, Software: true}, NotAffected},
		{Row{Platform: "G5"}, NotAffected},
		{row("s", "<", "3.0", "*"), Affected},
	} {
		f := dbOf(t, "2026-01-01", entry("X", false, tt.row)).Match(acme("", "2.0"))
		require.Len(t, f, 1)
		assert.Equal(t, tt.want, f[0].Status, "%+v: %s", tt.row, f[0].Reason)
	}
}

// Of a camera behind a recorder anything that is told makes it one; a slot of
// which nothing is told is none.
func TestChannelsThatAreCameras(t *testing.T) {
	inv := acme("REC-1", "2.0")
	inv.Channels = []camsec.Channel{
		{ID: "empty"},
		{ID: "model", Model: "CAM-1000"},
		{ID: "version", Firmware: camsec.Firmware{Raw: "1.0"}},
		{ID: "address", Address: "10.0.0.7"},
	}
	var got []string
	for _, d := range devices(inv) {
		got = append(got, d.channel)
	}
	assert.Equal(t, []string{"", "model", "version", "address"}, got)
}

func TestStatusNames(t *testing.T) {
	assert.Equal(t, "affected", Affected.String())
	assert.Equal(t, "unknown", (Affected + 1).String())
}

func judged(t *testing.T, db *DB, inv camsec.Inventory, now time.Time) (fw1, fw2 camsec.Verdict) {
	t.Helper()
	cs := Controls(db)
	s := &camsec.Snapshot{Inventory: inv}
	return cs[0].Judge(s, now), cs[1].Judge(s, now)
}

// The controls say how much they looked at, and that of the maker alone.
func TestControlsSayWhatTheyHeld(t *testing.T) {
	db := dbOf(
		t, "2026-01-01",
		entry("A", false, row("s", "<", "1.0", "CAM-1000")), entry("B", true, row("s", "<", "1.0", "CAM-1000")), entry("C", false, row("s", "<", "1.0", "CAM-1000")),
		Advisory{ID: "D", Vendor: "nobody", Affected: []Row{everyModel()}},
	)
	asOf := db.AsOf()
	one, two := judged(t, db, acme("CAM-1000", "2.0"), asOf)
	assert.Equal(t, camsec.Pass, one.Status)
	assert.Equal(t, "no advisory of the dataset of 2026-01-01 applies to CAM-1000 firmware 2.0; 3 of this maker were held against it", one.Reason)
	assert.Equal(t, "no known-exploited advisory of the dataset of 2026-01-01 applies to CAM-1000 firmware 2.0; 1 of this maker were held against it", two.Reason)

	// To the day a dataset is good, and then no longer.
	one, _ = judged(t, db, acme("CAM-1000", "2.0"), asOf.Add(maxAge))
	assert.Equal(t, camsec.Pass, one.Status)
	one, _ = judged(t, db, acme("CAM-1000", "2.0"), asOf.Add(maxAge+1))
	assert.Equal(t, camsec.StatusUnknown, one.Status)
	assert.Contains(t, one.Reason, "the dataset is of 2026-01-01 and too old to tell")

	cs := Controls(db)
	assert.Equal(t, "high", cs[0].(*control).CutOffRisk(), "an upgrade can go wrong")
	assert.Equal(t, "none", cs[1].(*control).CutOffRisk())
	assert.Contains(t, cs[0].(*control).Rationale(), "published weakness")
	assert.Contains(t, cs[1].(*control).Rationale(), "being exploited")
	assert.Contains(t, cs[0].(*control).Remedy(), "fixed firmware")
	name, day := cs[0].(*control).Dataset()
	assert.Equal(t, "advisories", name)
	assert.Equal(t, asOf, day)
}

// Of many findings the first four are told, and how many more there are.
func TestControlsTellTheFirstFew(t *testing.T) {
	of := func(n int) string {
		var all []Advisory
		for i := range n {
			all = append(all, entry(fmt.Sprint("X-", i), false, row("s", "<", "3.0", "CAM-1000")))
		}
		one, _ := judged(t, dbOf(t, "2026-01-01", all...), acme("CAM-1000", "2.0"), time.Now())
		assert.Equal(t, camsec.Fail, one.Status)
		return one.Reason
	}
	assert.NotContains(t, of(4), "more")
	assert.Contains(t, of(4), "X-3")
	assert.NotContains(t, of(6), "X-4")
	assert.True(t, strings.HasSuffix(of(6), "; and 2 more"))
}

// A recorder passes only when its cameras do, too, and it says why not.
func TestControlsLookAtChannels(t *testing.T) {
	db := dbOf(t, "2026-01-01", entry("A", false, row("s", "<", "1.0", "CAM-1000")))
	inv := acme("REC-1", "2.0")
	inv.Channels = []camsec.Channel{{ID: "7", Model: "CAM-1000", Firmware: camsec.Firmware{Raw: "2.0"}}, {ID: "8", Model: "X"}}
	one, _ := judged(t, db, inv, db.AsOf())
	assert.Equal(t, camsec.StatusUnknown, one.Status)
	assert.Equal(t, "no advisory applies to the recorder itself, but cameras behind it are not decided: channel 7: the maker is not known; channel 8: the maker is not known", one.Reason)

	inv.Channels = make([]camsec.Channel, maxChannels)
	one, _ = judged(t, db, inv, db.AsOf())
	assert.Equal(t, camsec.Pass, one.Status, one.Reason)
	inv.Channels = make([]camsec.Channel, maxChannels+1)
	one, _ = judged(t, db, inv, db.AsOf())
	assert.Equal(t, "too many channels to look at", one.Reason)
	for code, want := range map[camsec.Reason]camsec.Status{
		camsec.ReasonNotOffered: camsec.Pass, camsec.ReasonNotReadable: camsec.Pass, camsec.ReasonForbidden: camsec.StatusUnknown,
	} {
		inv := acme("REC-1", "2.0")
		inv.ChannelsErr = &camsec.Problem{Code: code}
		one, _ := judged(t, db, inv, db.AsOf())
		assert.Equal(t, want, one.Status, code)
	}
}
