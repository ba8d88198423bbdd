package yamlfile

import (
	"errors"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// String is the text of a node that YAML reads as a text. A plain 1e3 is a number in YAML although the parser says text.
func String(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, !plainNumber(n)
	}
	return "", false
}

// quotedString is the text of a node that was written in quotes or as a block.
func quotedString(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	}
	return "", false
}

func plainNumber(n *ast.StringNode) bool {
	if _, quoted := quotedString(n); quoted || n.Value == "" || !strings.ContainsAny(n.Value[:1], "+-.0123456789") {
		return false
	}
	_, err := strconv.ParseFloat(n.Value, 64)
	return err == nil
}

func isNull(n ast.Node) bool { return n == nil || n.Type() == ast.NullType }

func aliasName(n ast.Node) string {
	if a, ok := n.(*ast.AliasNode); ok && a.Value != nil {
		return a.Value.GetToken().Value
	}
	return ""
}

// Text is a scalar as written, shortened for messages; "" for collections.
func Text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.NullNode:
		return ""
	case ast.ScalarNode:
		return n.GetToken().Value
	}
	return ""
}

// Kind names what stands in the file.
func Kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode:
		return "a number"
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number with decimals"
	case *ast.StringNode:
		if plainNumber(n) {
			return "a number"
		}
		if _, quoted := quotedString(n); !quoted {
			if _, err := strconv.ParseFloat(n.Value, 64); errors.Is(err, strconv.ErrRange) {
				return "a number too large to hold"
			}
		}
	}
	return "a text"
}
