package main

import "fmt"

type check struct{ source }

// Run says what the configuration means.
func (c *check) Run() error {
	file, err := c.read()
	if err != nil {
		return err
	}
	for i := range file.Routes {
		fmt.Println(&file.Routes[i])
	}
	return nil
}
