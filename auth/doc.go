// Package auth logs in to devices without locking them. A [Source] says which
// credential an account has, a [Transport] answers a device's challenges with
// it, and a [Budget] remembers, across clients and processes, which tries were
// spent.
//
// The rules, in short: one authentication is in flight per account; an
// unproven credential is sent once; a proven one gets one retry on a fresh
// nonce; a refused one is not sent again until its version changes, and one
// that worked before rests for half an hour and then gets one try more; two
// tries are always left for people; the weakest scheme accepted never falls
// below the strongest that has worked; nothing is answered to another origin.
//
// Parts: [github.com/camsec/camsec/auth/digest] for the arithmetic, wire for
// bounded exchanges, trust for certificates.
//
// Sources of fact: RFC 7616, RFC 2617, RFC 7617, and the behaviour of cameras
// that the comments beside the code name.
package auth
