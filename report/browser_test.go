package report

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "embed"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// shots is where the browser test leaves pictures of the pages, for people to look at: go test ./report -args -shots DIR.
var shots = flag.String("shots", "", "leave pictures of the pages in this directory")

//go:embed testdata/look.js
var look string

// sixtyNetworks is an estate of twenty lines of business with three networks each, some of which need what the one provider
// cannot give.
func sixtyNetworks() []byte {
	var b strings.Builder
	b.WriteString(`apiVersion: onramp/v1
name: sixty-networks-with-rather-a-long-name
premises:
  asn: 65010
  sites:
    - {name: amsterdam, at: "Amsterdam, Netherlands", prefixes: [10.0.0.0/16], access: [{provider: Equinix, model: cloud-exchange, bandwidth: 10 Gbps, location: Amsterdam}]}
    - {name: dublin-campus-north, at: "Dublin, Ireland", prefixes: [10.1.0.0/16], access: [{provider: Equinix, model: cloud-exchange, bandwidth: 10 Gbps, location: Dublin}]}
pools: {addresses: [10.64.0.0/10]}
sharedServices: {region: westeurope, inspect: true}
linesOfBusiness:
`)
	for i := range 20 {
		survives := "[link, router, gateway]"
		if i%7 == 3 {
			survives = "[link, router, gateway, location, provider]"
		}
		fmt.Fprintf(&b, "  - name: department-%02d\n    networks:\n", i+1)
		for _, tier := range []string{"web", "application", "data"} {
			fmt.Fprintf(&b, "      - {name: d%02d-%s, region: %s}\n", i+1, tier, []string{"westeurope", "northeurope"}[i%2])
		}
		fmt.Fprintf(&b, "    needs: {bandwidth: 100 Mbps, reaches: [shared], survives: %s, latency: %d ms}\n", survives, 20+30*(i%2))
	}
	return []byte(b.String())
}

// browser starts a headless browser that ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("this test looks at the page in a browser, and there is none: `make test` installs chromium as root; elsewhere install the packages of scripts/test-packages.txt")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun}
	for _, f := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage", "disable-default-apps", "disable-extensions", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(f, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// tab gathers what a page says and asks for.
type tab struct {
	mu       sync.Mutex
	said     []string
	requests []string
}

func (x *tab) hear(ev any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		x.said = append(x.said, fmt.Sprint("console.", ev.Type))
	case *runtime.EventExceptionThrown:
		x.said = append(x.said, ev.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		x.said = append(x.said, ev.Entry.Text)
	case *network.EventRequestWillBeSent:
		x.requests = append(x.requests, ev.Request.URL)
	}
}

func TestThePageReadsWellInABrowser(t *testing.T) {
	_, four := example(t, "northwind")
	_, nothing := example(t, "nothing-fits")
	_, sixty := made(t, sixtyNetworks(), "sixty.yaml")
	ctx := browser(t)
	for _, p := range []struct {
		name string
		page []byte
	}{{"four lines of business", four}, {"nothing fits", nothing}, {"sixty networks", sixty}} {
		file := filepath.Join(t.TempDir(), "report.html")
		if err := os.WriteFile(file, p.page, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s at %d px, %s", p.name, width, scheme), func(t *testing.T) {
					readsWell(t, ctx, "file://"+file, width, scheme, strings.ReplaceAll(p.name, " ", "-"))
				})
			}
		}
	}
}

// paper is the width of A4 in CSS pixels.
const paper = 794

// readsWell opens a page in a tab of its own and looks at it, as it opens and with everything unfolded.
func readsWell(t *testing.T, ctx context.Context, url string, width int64, scheme, name string) {
	heard := &tab{}
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithListener(heard.hear))
	defer cancel()
	media := func(medium string) chromedp.Action[chromedp.Void] {
		return func(ctx context.Context, x *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, x, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium,
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return chromedp.Void{}, err
		}
	}
	watch := func(ctx context.Context, x *chromedp.Target) (chromedp.Void, error) {
		if _, err := cdp.Call(ctx, x, log.Enable, cdp.Empty{}); err != nil {
			return chromedp.Void{}, err
		}
		_, err := cdp.Call(ctx, x, network.Enable, network.EnableParams{})
		return chromedp.Void{}, err
	}
	if err := chromedp.Do(ctx, watch, chromedp.EmulateViewport(width, 900), media("screen"), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	examine := func(when string) {
		t.Helper()
		wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string]("("+look+")()"))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wrong {
			t.Errorf("%s: %s", when, w)
		}
	}
	shoot := func(what string) {
		if *shots == "" {
			return
		}
		b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Log("no picture: ", err) // a page can be too long for one
			return
		}
		if err := os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%d-%s-%s.png", name, width, scheme, what)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	examine("as it opens")
	shoot("closed")
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelectorAll("details").forEach(d => d.open = true), true`)); err != nil {
		t.Fatal(err)
	}
	examine("unfolded")
	shoot("open")
	// On paper what is folded is unfolded.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelectorAll("details").forEach(d => d.open = false), true`)); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, media("print"), chromedp.EmulateViewport(paper, 1123)); err != nil {
		t.Fatal(err)
	}
	shoot("print")
	hidden, err := chromedp.Run(ctx, chromedp.Evaluate[int](`[...document.querySelectorAll("details:not(.onscreen) > :not(summary)")].filter(e => e.getBoundingClientRect().height === 0).length`))
	if err != nil {
		t.Fatal(err)
	}
	if hidden > 0 {
		t.Errorf("in print %d folded blocks do not show", hidden)
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
	if err != nil {
		t.Fatal(err)
	}
	if wide > paper {
		t.Errorf("in print the page is %d px wide on paper of %d", wide, paper)
	}
	dark, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[document.body, document.querySelector("svg.topo .paper") ?? document.querySelector("svg.timeline .paper")].map(e => getComputedStyle(e)[e === document.body ? "backgroundColor" : "fill"]).join(" ")`))
	if err != nil {
		t.Fatal(err)
	}
	if dark != "rgb(255, 255, 255) rgb(251, 252, 254)" {
		t.Errorf("in print the page and its pictures are %s, not white", dark)
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	for _, s := range heard.said {
		t.Errorf("the console says %s", s)
	}
	for _, r := range heard.requests {
		if r != url && !strings.HasPrefix(r, "data:") {
			t.Errorf("the page asks for %s", r)
		}
	}
	if len(heard.requests) == 0 {
		t.Error("not even the page was asked for: requests are not seen")
	}
}

func TestTheLookFindsWhatItIsFor(t *testing.T) {
	ctx := browser(t)
	ctx, cancel := chromedp.NewContext(ctx)
	defer cancel()
	for _, c := range []struct{ name, body, want string }{
		{"a good page", `<h1>Good</h1><p>Text</p>`, ""},
		{"a page that scrolls sideways", `<h1>x</h1><div style="width: 2000px">wide</div>`, "in a window of"},
		{"a word that is cut", `<h1>x</h1><div style="width: 50px; overflow: hidden">Supercalifragilisticexpialidocious</div>`, "in a place of 50"},
		{"text that is cut below", `<h1>x</h1><div style="height: 10px; overflow: hidden">one<br>two</div>`, "is cut below"},
		{"a box that scrolls without a name", `<h1>x</h1><div style="width: 50px; overflow-x: auto">Supercalifragilisticexpialidocious</div>`, "cannot be reached by keyboard"},
		{"blocks that cover each other", `<h1>x</h1><p>one</p><p style="margin-top: -30px">two</p>`, "cover each other"},
		{"grey on grey", `<h1>x</h1><p style="color: #999; background: #aaa">pale</p>`, "has a contrast of"},
		{"a picture without a title", `<h1>x</h1><svg role="img" viewBox="0 0 100 100" width="100" height="100"><text x="10" y="50">in</text></svg>`, "has no title"},
		{"text cut by its picture", `<h1>x</h1><svg role="img" viewBox="0 0 100 100" width="100" height="100"><title>t</title><text x="90" y="50">long text</text></svg>`, "cut by the edge"},
		{"text too small to read", `<h1>x</h1><svg role="img" viewBox="0 0 1000 100" width="100" height="10"><title>t</title><text x="10" y="50">small</text></svg>`, "px high"},
		{"pale text in a picture", `<h1>x</h1><svg role="img" viewBox="0 0 100 100" width="100" height="100"><title>t</title><rect width="100" height="100" fill="#333"/><text x="10" y="50">in</text></svg>`, "has a contrast of"},
		{"a heading that skips a level", `<h1>x</h1><h3>deep</h3>`, "below a heading of level 1"},
		{"a table without a caption", `<h1>x</h1><table><tr><th scope="col">a</th></tr></table>`, "has no caption"},
		{"a heading cell without a scope", `<h1>x</h1><table><caption>c</caption><tr><th>a</th></tr></table>`, "says not what it heads"},
		{"rows of different lengths", `<h1>x</h1><table><caption>c</caption><tr><td>a</td><td>b</td></tr><tr><td>a</td></tr></table>`, "different lengths"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.html")
			if err := os.WriteFile(file, []byte(`<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>t</title><body style="background: #fff">`+c.body), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(800, 600), chromedp.Navigate("file://"+file)); err != nil {
				t.Fatal(err)
			}
			wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string]("("+look+")()"))
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(wrong, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}
