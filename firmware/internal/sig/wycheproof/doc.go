// Package wycheproof holds the signature algorithms against the vectors of
// project Wycheproof, which know the mistakes that verifiers make. It is a
// module of its own, since the vectors are large and only tests need them.
package wycheproof
