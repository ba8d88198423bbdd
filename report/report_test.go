package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"onramp/catalog"
	"onramp/check"
	"onramp/choose"
	"onramp/examples"
	"onramp/intent"
)

// made is a report and what it was made of.
func made(t *testing.T, src []byte, name string) (Input, []byte) {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name, src, c)
	if e == nil {
		t.Fatal(findings)
	}
	a, err := choose.Choose(e, c, choose.Options{Brief: true})
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Answer: a, Design: a.Designs[a.Best], Proof: a.Proofs[a.Best], Bill: a.Bills[a.Best]}
	in.Findings = check.Check(in.Design, c)
	page, err := HTML(in, c)
	if err != nil {
		t.Fatal(err)
	}
	return in, page
}

func example(t *testing.T, name string) (Input, []byte) {
	t.Helper()
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return made(t, src, name)
}

func TestEveryExampleGivesAPageThatIsWholeAndNeedsNothingElse(t *testing.T) {
	for _, name := range examples.Names() {
		t.Run(name, func(t *testing.T) {
			in, page := example(t, name)
			_, again := example(t, name)
			if !bytes.Equal(page, again) {
				t.Error("the second page differs")
			}
			balanced(t, page)
			for _, bad := range []string{"<script", "<link rel=\"stylesheet", "@import", "url(", " src=", "ZgotmplZ", "%!", "<no value>"} {
				if i := bytes.Index(page, []byte(bad)); i >= 0 {
					t.Errorf("the page has %q: ...%s", bad, page[max(0, i-60):min(len(page), i+60)])
				}
			}
			for _, m := range regexp.MustCompile(`https?://[^"<> ]+`).FindAllString(string(page), -1) {
				if m != "http://www.w3.org/2000/svg" {
					t.Errorf("the page names %s", m)
				}
			}
			ids := map[string]bool{}
			for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(string(page), -1) {
				if ids[m[1]] {
					t.Errorf("the id %s is given twice", m[1])
				}
				ids[m[1]] = true
			}
			for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(string(page), -1) {
				if !ids[m[1]] {
					t.Errorf("a link leads to #%s, which is not there", m[1])
				}
			}
			for i := range in.Proof.Assumptions {
				if a := in.Proof.Assumptions[i]; !bytes.Contains(page, []byte(a.Name)) {
					t.Errorf("the assumption %s is not told", a.Name)
				}
			}
			for _, l := range in.Bill.Lines {
				if !bytes.Contains(page, []byte(l.Resource)) {
					t.Errorf("the bill's %s of %s is not told", l.Item, l.Resource)
				}
			}
			for i := range in.Proof.Properties {
				if p := &in.Proof.Properties[i]; !p.Holds && !bytes.Contains(page, []byte(propertyTitle(p))) {
					t.Errorf("that %s fails is not told", propertyTitle(p))
				}
			}
		})
	}
}

// balanced checks that every element is closed where it should be.
func balanced(t *testing.T, page []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "br"}, xml.HTMLEntity
	var open []string
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("after %s: %v", strings.Join(open, " > "), err)
		}
		switch x := tok.(type) {
		case xml.StartElement:
			open = append(open, x.Name.Local)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != x.Name.Local {
				t.Fatalf("%s is closed inside %s", x.Name.Local, strings.Join(open, " > "))
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("left open: %s", strings.Join(open, " > "))
	}
}

func TestWhatFailsIsDrawnWithItsPlaceAndItsFailure(t *testing.T) {
	_, page := example(t, "nothing-fits")
	for _, want := range []string{"No pattern meets every need. The nearest is shared: it fails survives.location of payments.", `id="case1-title"`, `class="node msee failed"`, `class="node vnet warn"`, "peering location Paris has failed"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestADesignThatWasGivenIsToldWithoutPatterns(t *testing.T) {
	for name, want := range map[string]string{"northwind": "The design of northwind meets every need that it states", "nothing-fits": "The design of nothing-fits fails 1 of"} {
		in, _ := example(t, name)
		in.Answer = nil
		c, err := catalog.Open()
		if err != nil {
			t.Fatal(err)
		}
		page, err := HTML(in, c)
		if err != nil {
			t.Fatal(err)
		}
		balanced(t, page)
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("%s: the page does not say %q", name, want)
		}
		if bytes.Contains(page, []byte(`id="ranking"`)) || bytes.Contains(page, []byte("four patterns")) {
			t.Errorf("%s: the page speaks of patterns that were not compared", name)
		}
	}
}

func TestAPatternThatWasNotProvedIsNotSaidToFail(t *testing.T) {
	in, _ := example(t, "northwind")
	r := &in.Answer.Choice.Ranked[1]
	r.Fits, r.Proved, r.Failed, r.FailedNeeds, r.Why = false, false, nil, nil, "not proved: in an estate of this size only what may be chosen is"
	delete(in.Answer.Proofs, r.Pattern)
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	page, err := HTML(in, c)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(page, []byte("not proved")); n < 6 {
		t.Errorf("that %s was not proved is said %d times; its badge, its row and each figure of a proof should", r.Pattern, n)
	}
	if bytes.Contains(page, []byte("It not proved")) {
		t.Error("a pattern that was not proved is told among those that fail")
	}
}

func TestStatedAvailabilityIsTold(t *testing.T) {
	src, err := examples.Read("northwind")
	if err != nil {
		t.Fatal(err)
	}
	stated := append(src, []byte("\navailability: {link: 99.9, router: 99.95, msee: 99.99, gateway: 99.95, firewall: 99.95, zone: 99.99, circuit: 100, provider: 99.99, location: 99.995, site: 99.9}\n")...)
	_, page := made(t, stated, "northwind")
	for _, want := range []string{"<span>Availability</span>", "Not in a year", " most <span class=\"soft\">In percentage points"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page does not say %q", want)
		}
	}
	_, page = made(t, src, "northwind")
	if !bytes.Contains(page, []byte("The availability is unknown until the intent states ")) {
		t.Error("that nothing is stated is not said")
	}
}

func TestNamesFromTheIntentCannotBecomeMarkup(t *testing.T) {
	src, err := examples.Read("northwind")
	if err != nil {
		t.Fatal(err)
	}
	in, _ := made(t, src, "northwind")
	evil := `<script>alert(1)</script><b title="`
	in.Design.Name = evil
	in.Proof.Properties[0].LineOfBusiness = evil
	in.Bill.Lines[0].Resource = evil
	in.Answer.Choice.Ranked[0].Why = evil
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	page, err := HTML(in, c)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(page, []byte("<script>")) || bytes.Contains(page, []byte(`title="`+`"`)) {
		t.Error("a name became markup")
	}
	balanced(t, page)
}

func TestAmountsAreWrittenForPeople(t *testing.T) {
	for _, c := range []struct {
		usd  float64
		want string
	}{{0, "0.00"}, {12.3, "12.30"}, {999.99, "999.99"}, {1000, "1,000.00"}, {1234567.891, "1,234,567.89"}, {-1500, "−1,500.00"}, {-0.001, "0.00"}} {
		if got := amount(c.usd); got != c.want {
			t.Errorf("%v is written %q, want %q", c.usd, got, c.want)
		}
	}
	if got := grouped("for 3534.55 USD a month more than 999.00 USD, 7296.1 USD or 12000 USD"); got != "for 3,534.55 USD a month more than 999.00 USD, 7,296.10 USD or 12,000.00 USD" {
		t.Error(got)
	}
	if got := fmt.Sprint(money(5, true), " ", list([]string{"a", "b", "c", "d"}, 2), " ", count(2, "property")); got != "at least 5.00 USD a, b and 2 more 2 properties" {
		t.Error(got)
	}
}
