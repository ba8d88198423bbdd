// Command onramp takes a private connection between an organisation's networks and the Microsoft cloud from a question to
// a proven design. This package reads flags and files, calls the packages that decide, and prints what they return; it
// decides nothing itself.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
