package onvif

import (
	"context"
	"slices"

	"github.com/camsec/camsec"
)

// MediaSigningCertificates reads the ids of the certification paths whose keys
// sign the device's media: the factory's, and one that a user has added. Only
// administrators may.
//
//onvif:op tas:GetAssignedMediaSigningCertificates
func (c *Client) MediaSigningCertificates(ctx context.Context) ([]string, error) {
	return c.pathIDs(ctx, "MediaSigningCertificates")
}

// AddMediaSigningCertificate has the device sign media with the key of a path's
// leaf, instead of one that was added before. Streams that are running are
// stopped.
//
//onvif:op tas:AddMediaSigningCertificateAssignment
func (c *Client) AddMediaSigningCertificate(ctx context.Context, path string) (camsec.Change, error) {
	return c.write(ctx, "AddMediaSigningCertificate", func(m *message) { m.text("tas:CertificationPathID", path) },
		func(ctx context.Context) (bool, error) {
			ids, err := c.MediaSigningCertificates(ctx)
			return slices.Contains(ids, path), err
		})
}

// RemoveMediaSigningCertificate has the device sign media with the factory's
// key alone, which cannot be removed. Streams that are running are stopped.
//
//onvif:op tas:RemoveMediaSigningCertificateAssignment
func (c *Client) RemoveMediaSigningCertificate(ctx context.Context, path string) (camsec.Change, error) {
	return c.write(ctx, "RemoveMediaSigningCertificate", func(m *message) { m.text("tas:CertificationPathID", path) },
		func(ctx context.Context) (bool, error) {
			ids, err := c.MediaSigningCertificates(ctx)
			return gone(ids, path, err)
		})
}
