package mender

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Info is what the header says the artifact is.
type Info struct {
	Name    string   // artifact_name
	Group   string   // artifact_group
	Devices []string // device_type: those that it is for
	// DependsOn are names of artifacts, one of which must be installed.
	DependsOn []string
	// Types are the update modules that the payloads are for.
	Types []string
	// Versions are the values of provides whose key ends in ".version", in
	// the order of the payloads.
	Versions []string
	Scripts  []string
}

// words is a JSON string or list of strings.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

func (a *Artifact) readHeader(f untrusted.File) error {
	if a.HeaderCompression == "xz" || a.HeaderCompression == "zst" {
		return nil
	}
	b, err := f.Bytes(a.Header.Offset, a.Header.Length, maxHeader, "header")
	if err != nil {
		return err
	}
	var in io.Reader = bytes.NewReader(b)
	if a.HeaderCompression == "gz" {
		if in, err = gzip.NewReader(in); err != nil {
			return untrusted.Errorf(a.Header.Offset, "the header is no gzip file")
		}
	}
	limit := &io.LimitedReader{R: in, N: maxHeaderOpen}
	if err := a.Info.read(tar.NewReader(limit)); err != nil {
		if limit.N <= 0 {
			return untrusted.Errorf(a.Header.Offset, "the header unpacks to more than %d bytes", maxHeaderOpen)
		}
		return untrusted.Errorf(a.Header.Offset, "header: %s", tarWords(err))
	}
	return nil
}

var errHeader = errors.New("a file in it is not what its name says")

func (i *Info) read(in *tar.Reader) error {
	for n := 0; ; n++ {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case n >= maxMembers || !regular(h):
			return errHeader
		case n == 0 && h.Name != "header-info":
			return errors.New("header-info is not the first file")
		case h.Name == "header-info":
			err = i.header(in)
		case strings.HasPrefix(h.Name, "headers/") && strings.HasSuffix(h.Name, "/type-info"):
			err = i.typeInfo(in)
		case strings.HasPrefix(h.Name, "scripts/"):
			i.Scripts = append(i.Scripts, clean(strings.TrimPrefix(h.Name, "scripts/")))
		}
		if err != nil {
			return err
		}
	}
}

func decode(in io.Reader, v any) error {
	b, err := io.ReadAll(io.LimitReader(in, maxJSON+1))
	if err != nil {
		return err
	}
	if len(b) > maxJSON || json.Unmarshal(b, v) != nil {
		return errHeader
	}
	return nil
}

func (i *Info) header(in io.Reader) error {
	var v struct {
		Payloads []struct{ Type string }
		Provides struct {
			Name  string `json:"artifact_name"`
			Group string `json:"artifact_group"`
		} `json:"artifact_provides"`
		Depends struct {
			Names   words `json:"artifact_name"`
			Devices words `json:"device_type"`
		} `json:"artifact_depends"`
	}
	if err := decode(in, &v); err != nil {
		return err
	}
	i.Name, i.Group = clean(v.Provides.Name), clean(v.Provides.Group)
	for _, d := range v.Depends.Devices {
		i.Devices = append(i.Devices, clean(d))
	}
	for _, d := range v.Depends.Names {
		i.DependsOn = append(i.DependsOn, clean(d))
	}
	for _, p := range v.Payloads {
		i.Types = append(i.Types, clean(p.Type))
	}
	return nil
}

func (i *Info) typeInfo(in io.Reader) error {
	var v struct {
		Provides map[string]json.RawMessage `json:"artifact_provides"`
	}
	if err := decode(in, &v); err != nil {
		return err
	}
	var found []string
	for key, value := range v.Provides {
		var text string
		if strings.HasSuffix(key, ".version") && json.Unmarshal(value, &text) == nil {
			found = append(found, clean(text))
		}
	}
	slices.Sort(found) // a map has no order
	i.Versions = append(i.Versions, found...)
	return nil
}

func clean(s string) string { return untrusted.Text([]byte(s)) }
