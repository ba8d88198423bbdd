package draw

import (
	"strings"
	"unicode/utf8"
)

// width estimates how wide s is in a sans-serif font of the given size, in pixels. It errs on the wide side: the figures are
// those of DejaVu Sans, the widest of the fonts that the style sheet names.
func width(s string, size int) int {
	thousandths := 0
	for _, r := range s {
		thousandths += advance(r)
	}
	return (thousandths*size + 999) / 1000
}

// advance is the width of a rune in thousandths of the font size.
func advance(r rune) int {
	switch {
	case strings.ContainsRune("ijl'|", r):
		return 300
	case strings.ContainsRune(" .,:;ft()[]!/\\-rI", r):
		return 410
	case strings.ContainsRune("mMW@%", r):
		return 1000
	case strings.ContainsRune("wOQGNDH&", r):
		return 830
	case r >= 'A' && r <= 'Z':
		return 720
	case r < 0x2000:
		return 650
	}
	return 1050
}

// shorten cuts s to at most max pixels at the given size, with an ellipsis, and tells whether it had to. Not even one letter
// may fit: then the ellipsis stands alone.
func shorten(s string, size, max int) (string, bool) {
	if width(s, size) <= max {
		return s, false
	}
	for s != "" {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
		if cut := strings.TrimRight(s, " .,:;-/") + "…"; width(cut, size) <= max {
			return cut, true
		}
	}
	return "…", true
}

// squeeze cuts the middle out of a name that is too long: names of one place differ at their ends, "-ce1" and "-ce2".
func squeeze(s string, size, max int) string {
	runes := []rune(s)
	for cut := 1; width(s, size) > max && cut < len(runes)-2; cut++ {
		end := min(5, (len(runes)-cut)/2)
		s = string(runes[:len(runes)-cut-end]) + "…" + string(runes[len(runes)-end:])
	}
	return s
}

// wrap breaks s into at most lines lines of max pixels; what does not fit in the last is cut.
func wrap(s string, size, max, lines int) []string {
	var out []string
	line := ""
	words := strings.Fields(s)
	for i, word := range words {
		longer := word
		if line != "" {
			longer = line + " " + word
		}
		if line == "" || width(longer, size) <= max {
			line = longer
			continue
		}
		if len(out) == lines-1 {
			line, _ = shorten(line+" "+strings.Join(words[i:], " "), size, max)
			return append(out, line)
		}
		short, _ := shorten(line, size, max)
		out = append(out, short)
		line = word
	}
	if line != "" {
		short, _ := shorten(line, size, max)
		out = append(out, short)
	}
	return out
}
