// Package advisory holds what a device says it runs against published
// vulnerabilities. It sends nothing to any device: it compares texts.
//
// [Embedded] is a dataset of published facts (identifiers, models, version
// ranges, dates, sources), transcribed from CVE records, CISA's advisories and
// its catalogue of known-exploited vulnerabilities, and makers' notices. The
// titles are our own. The dataset is not complete: a device that no entry
// names may still be vulnerable, and the words "not affected" mean no more
// than that the entry in question does not apply. [LoadFS] reads newer data
// from a folder of CSAF advisories, CVE records, CISA's catalogue and EPSS
// scores; [Merge] puts it beside the embedded one.
//
// An answer is one of four, see [Status], with the sentence that decided it.
// Makers name models by patterns, some as wide as IPC-xxxx; where a pattern, a
// range or a source leaves doubt the answer is [PossiblyAffected], never
// [Affected] and never [NotAffected].
//
// [WriteCSV] and [WriteOpenVEX] hand the answers on.
package advisory
