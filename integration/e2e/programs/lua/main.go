// Runs a Lua script: an interpreter, on Go's own runtime with its threads of control, its collector
// and its maps, as an example of a program that nobody wrote for gadus.
package main

import (
	"fmt"
	"os"

	lua "github.com/yuin/gopher-lua"
)

func main() {
	state := lua.NewState()
	defer state.Close()
	if err := state.DoFile(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
