package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// composite does format(): .NET's composite format, {index[,alignment][:format]}, {{ and }} for braces. The formats of integers are D, X,
// N, F, G, B and digits of zeroes and hashes; others are an error.
func composite(c *call) (string, error) {
	f := c.str(0)
	if c.err != nil {
		return "", c.err
	}
	var b strings.Builder
	for i := 0; i < len(f); i++ {
		if b.Len() > c.ev.budget().size {
			return "", c.ev.budget().chargeText(b.Len())
		}
		switch {
		case f[i] != '{' && f[i] != '}':
			b.WriteByte(f[i])
			continue
		case i+1 < len(f) && f[i+1] == f[i]:
			b.WriteByte(f[i])
			i++
			continue
		case f[i] == '}':
			return "", fmt.Errorf("the format string has a single } at %d; }} stands for a brace", i)
		}
		end := strings.IndexByte(f[i:], '}')
		if end < 0 {
			return "", fmt.Errorf("the format string has a { at %d that is not closed; {{ stands for a brace", i)
		}
		item := f[i+1 : i+end]
		i += end
		head, spec, _ := strings.Cut(item, ":")
		number, align, aligned := strings.Cut(head, ",")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n < 0 {
			return "", fmt.Errorf("the format item {%s} does not start with the index of an argument", item)
		}
		if n+1 >= len(c.args) {
			return "", fmt.Errorf("the format item {%s} is of argument %d, and there are %d after the format string", item, n, len(c.args)-1)
		}
		s := c.asText(n + 1)
		if v, ok := c.args[n+1].(int64); ok && spec != "" {
			if s, err = formatInt(v, spec); err != nil {
				return "", err
			}
		}
		if c.err != nil {
			return "", c.err
		}
		if aligned {
			width, err := strconv.Atoi(strings.TrimSpace(align))
			if err != nil || width > 1000 || width < -1000 {
				return "", fmt.Errorf("the alignment of the format item {%s} is not a number between -1000 and 1000", item)
			}
			if missing := max(width, -width) - units(s); missing > 0 {
				if width > 0 {
					s = strings.Repeat(" ", missing) + s
				} else {
					s += strings.Repeat(" ", missing)
				}
			}
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func formatInt(v int64, spec string) (string, error) {
	digits := strconv.FormatInt(v, 10)
	sign := ""
	if v < 0 {
		sign, digits = "-", digits[1:]
	}
	pad := func(s string, n int) string {
		if n > len(s) {
			return strings.Repeat("0", n-len(s)) + s
		}
		return s
	}
	if strings.Trim(spec, "0#") == "" {
		return sign + pad(digits, strings.Count(spec, "0")), nil
	}
	places := -1
	if len(spec) > 1 {
		n, err := strconv.Atoi(spec[1:])
		if err != nil || n < 0 || n > 99 {
			return "", fmt.Errorf("the format %s of an integer is not known; D, X, N, F, G, B with a number of digits, and zeroes are", quote(spec))
		}
		places = n
	}
	fraction := func() string {
		if places < 0 {
			places = 2
		}
		if places == 0 {
			return ""
		}
		return "." + strings.Repeat("0", places)
	}
	switch spec[0] {
	case 'D', 'd':
		return sign + pad(digits, places), nil
	case 'X':
		return pad(strings.ToUpper(strconv.FormatUint(uint64(v), 16)), places), nil
	case 'x':
		return pad(strconv.FormatUint(uint64(v), 16), places), nil
	case 'B', 'b':
		return pad(strconv.FormatUint(uint64(v), 2), places), nil
	case 'G', 'g':
		if places <= 0 {
			return sign + digits, nil
		}
	case 'F', 'f':
		return sign + digits + fraction(), nil
	case 'N', 'n':
		var b strings.Builder
		for i, d := range digits {
			if i > 0 && (len(digits)-i)%3 == 0 {
				b.WriteByte(',')
			}
			b.WriteRune(d)
		}
		return sign + b.String() + fraction(), nil
	}
	return "", errors.New("the format " + quote(spec) + " of an integer is not known; D, X, N, F, G, B with a number of digits, and zeroes are")
}
