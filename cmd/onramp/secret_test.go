package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretComesFromAFileAndIsNeverRepeated(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", "aZ09\r\n")
	got, err := namedSecrets([]string{"sharedKey of er-ams=" + good, "<sharedKey of Conn>=" + good})
	if err != nil || len(got) != 2 || got["sharedkey of er-ams"] != "aZ09" || got["sharedkey of conn"] != "aZ09" {
		t.Errorf("%v, %v", got, err)
	}
	for _, x := range []struct{ name, arg, want string }{
		{"no file", "sharedKey of er-ams", "write it as"},
		{"a name that stands for nothing", "er-ams=" + good, "write it as"},
		{"a value in place of a file", "sharedKey of er-ams=aZ09secret", "no such file"},
		{"an empty file", "sharedKey of er-ams=" + file("empty", "\n"), "exactly one line"},
		{"two lines", "sharedKey of er-ams=" + file("two", "aZ09\nbZ09\n"), "exactly one line"},
		{"a file that is too long", "sharedKey of er-ams=" + file("long", strings.Repeat("k", mostSecret+1)), "more than 4096 bytes"},
	} {
		if _, err := namedSecrets([]string{x.arg}); err == nil || !strings.Contains(err.Error(), x.want) || report(io.Discard, err) != 2 {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	if _, err := namedSecrets([]string{"sharedKey of a=" + good, "sharedKey of A=" + good}); err == nil {
		t.Error("the same secret twice is taken")
	}
}
