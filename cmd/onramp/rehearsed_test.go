package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestThePicturesOfTheRehearsalAreOfTheBuiltInExample(t *testing.T) {
	root, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	sh := newShell(t)
	if out, code := sh.run("onramp rehearse estate.yaml --svg pictures"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	for picture, file := range map[string]string{"rehearse-matrix.svg": "matrix.svg", "rehearse-timeline.svg": "router_toronto-msee1.timeline.svg"} {
		now, err := os.ReadFile(filepath.Join("pictures", file))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(filepath.Join(root, picture), now, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if was, err := os.ReadFile(filepath.Join(root, picture)); err != nil || string(was) != string(now) {
			t.Errorf("docs/%s is not what the command draws now (%v); make golden rewrites it", picture, err)
		}
	}
}

func TestADrillsFileNamesHaveNoDirectory(t *testing.T) {
	for id, want := range map[string]string{"link:toronto/equinix-toronto/1": "link_toronto_equinix-toronto_1", "provider:Bell Canada": "provider_Bell_Canada", "site:../é": "site_..__"} {
		if got := fileName(id); got != want || filepath.Base(got) != got {
			t.Errorf("%s: %s", id, got)
		}
	}
}
