package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// foldAbove is the number of rows above which a table is folded away under its caption.
const foldAbove = 14

// table is a table of the page. The first cell of each row is its heading.
type table struct {
	Caption string
	Note    string // below the caption; may be empty
	Head    []cell
	Rows    [][]cell
	Foot    [][]cell
	Fold    bool
}

// cell is a field of a table. Mark is good, bad, warn or empty: a sign that stands before the text, never a colour alone.
type cell struct {
	Text string
	Num  bool
	Mark string
}

// Sign is what stands before a marked cell's text.
func (c cell) Sign() string {
	switch c.Mark {
	case "good":
		return "✓"
	case "bad":
		return "✗"
	case "warn":
		return "!"
	}
	return ""
}

func text(s string) cell { return cell{Text: s} }
func num(s string) cell  { return cell{Text: s, Num: true} }

func texts(words ...string) []cell {
	out := make([]cell, len(words))
	for i, w := range words {
		out[i] = text(w)
	}
	return out
}

// folded folds a table that is long.
func (t *table) folded() *table {
	t.Fold = len(t.Rows) > foldAbove
	return t
}

// money says an amount: "1,234.50 USD", with "at least" where something of it has no published price.
func money(usd float64, atLeast bool) string {
	s := amount(usd) + " USD"
	if atLeast {
		return "at least " + s
	}
	return s
}

// amount is a number with two decimals and its thousands apart.
func amount(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	whole, cents, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if strings.HasPrefix(s, "-") && s != "-0.00" {
		whole = "−" + whole
	}
	return whole + "." + cents
}

// sums finds amounts of money in a sentence.
var sums = regexp.MustCompile(`\b\d{4,}(\.\d{1,2})? USD`)

// grouped sets the thousands of a sentence's amounts apart, as the page's own are.
func grouped(sentence string) string {
	return sums.ReplaceAllStringFunc(sentence, func(s string) string {
		v, err := strconv.ParseFloat(strings.TrimSuffix(s, " USD"), 64)
		if err != nil {
			return s
		}
		return amount(v) + " USD"
	})
}

// count says "1 error", "2 errors", "3 needs".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// list joins words for a sentence and counts what is beyond the first few.
func list(words []string, most int) string {
	if rest := len(words) - most; rest > 1 {
		words = append(append([]string{}, words[:most]...), fmt.Sprintf("%d more", rest))
	}
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return strings.Join(words, "")
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Class is the cell's style: numbers stand at the right, marks have a colour besides their sign, long text gets room.
func (c cell) Class() string {
	var out []string
	if c.Num {
		out = append(out, "num")
	}
	if c.Mark != "" {
		out = append(out, c.Mark)
	}
	if len(c.Text) > 40 {
		out = append(out, "long")
	}
	return strings.Join(out, " ")
}

// Size says how many rows a folded table has.
func (t *table) Size() string { return count(len(t.Rows), "row") }
