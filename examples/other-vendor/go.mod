module example.com/othervendor

go 1.26.0

require github.com/camsec/camsec v0.0.0

replace github.com/camsec/camsec => ../..
