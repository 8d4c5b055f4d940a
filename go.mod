module github.com/camsec/camsec

go 1.26
