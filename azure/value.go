package azure

// Clone is a deep copy of a value of JSON.
func Clone(v any) any {
	switch x := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(x))
		for k, e := range x {
			c[k] = Clone(e)
		}
		return c
	case []any:
		c := make([]any, len(x))
		for i, e := range x {
			c[i] = Clone(e)
		}
		return c
	}
	return v
}

// Texts puts what a function makes of it in the place of every text in a value of JSON, names not among them, and returns the value.
func Texts(v any, to func(string) string) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			x[k] = Texts(e, to)
		}
	case []any:
		for i, e := range x {
			x[i] = Texts(e, to)
		}
	case string:
		return to(x)
	}
	return v
}
