module github.com/camsec/camsec/auth/digest/differential

go 1.26.0

replace github.com/camsec/camsec => ../../..

require (
	github.com/camsec/camsec v0.0.0-00010101000000-000000000000
	github.com/icholy/digest v1.2.0
	github.com/mongodb-forks/digest v1.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
