package template

import (
	"strings"
	"testing"
)

// TestEachFunctionAnswersAsDocumented has the results of Microsoft's pages on template functions, and of Azure itself where they are known.
func TestEachFunctionAnswersAsDocumented(t *testing.T) {
	const variables = `{
		"nulls": {"null1": null, "null2": null, "string": "default", "int": 1, "object": {"first": "default"}, "array": [1]},
		"abc": {"one": "a", "two": "b", "three": "c"},
		"azc": {"one": "a", "two": "z", "three": "c"},
		"list": ["one", "two", "three"],
		"ints": [0, 3, 2, 5, 4],
		"dogs": [{"name": "Evie", "age": 5}, {"name": "Casper", "age": 3}, {"name": "Indy", "age": 2}, {"name": "Kira", "age": 8}],
		"entities": {"item002": {"enabled": false, "number": 200}, "item001": {"enabled": true, "number": 300}},
		"deep1": {"property": {"one": "a", "two": "b", "three": "c1"}, "nestedArray": [1, 2]},
		"deep2": {"property": {"three": "c2", "four": "d", "five": "e"}, "nestedArray": [3, 4]},
		"mixed": {"propA": 1, "propB": "two", "propC": ["a", 1.5, true, null]}
	}`
	for _, c := range []struct{ expression, want string }{
		// Comparison.
		{"coalesce(variables('nulls').null1, variables('nulls').null2, variables('nulls').string)", `"default"`},
		{"coalesce(variables('nulls').null1, variables('nulls').int)", `1`},
		{"coalesce(variables('nulls').null1, variables('nulls').object)", `{"first":"default"}`},
		{"coalesce(variables('nulls').null1, '')", `""`},
		{"empty(coalesce(variables('nulls').null1, variables('nulls').null2))", `true`},
		{"equals(1, 1)", `true`},
		{"equals('a', 'a')", `true`},
		{"equals('a', 'A')", `false`},
		{"equals(1, '1')", `false`},
		{"equals(createArray('a','b'), createArray('a','b'))", `true`},
		{"equals(createArray('a','b'), createArray('b','a'))", `false`},
		{"equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))", `true`},
		{"not(equals(1, 2))", `true`},
		{"greater(1, 2)", `false`},
		{"greater('A', 'a')", `true`},
		{"greaterOrEquals(1, 2)", `false`},
		{"greaterOrEquals('A', 'a')", `true`},
		{"less(1, 2)", `true`},
		{"less('A', 'a')", `false`},
		{"less('a', 'B')", `true`},
		{"less('a10', 'ab')", `true`},
		{"lessOrEquals(1, 2)", `true`},
		{"lessOrEquals('A', 'a')", `false`},
		{"lessOrEquals(2, 2)", `true`},
		// Logic.
		{"and(bool('true'), bool('false'))", `false`},
		{"or(bool('true'), bool('false'))", `true`},
		{"not(bool('true'))", `false`},
		{"and(true(), true(), true())", `true`},
		{"or(false(), false())", `false`},
		{"bool('True')", `true`},
		{"bool(1)", `true`},
		{"bool(0)", `false`},
		{"if(equals('a', 'a'), 'yes', 'no')", `"yes"`},
		{"if(equals('a', 'b'), 'yes', 'no')", `"no"`},
		{"if(true(), 1, div(1, 0))", `1`},
		{"null()", `null`},
		// Numbers.
		{"add(5, 3)", `8`},
		{"sub(7, 3)", `4`},
		{"mul(5, 3)", `15`},
		{"div(8, 3)", `2`},
		{"div(-8, 3)", `-2`},
		{"mod(7, 3)", `1`},
		{"mod(-7, 3)", `-1`},
		{"min(variables('ints'))", `0`},
		{"min(0, 3, 2, 5, 4)", `0`},
		{"max(variables('ints'))", `5`},
		{"max(0, 3, 2, 5, 4)", `5`},
		{"int('4')", `4`},
		{"float('1.5')", `1.5`},
		{"float(3)", `3.0`},
		{"range(5, 3)", `[5,6,7]`},
		{"range(0, 0)", `[]`},
		// Strings.
		{"concat('prefix', '-', 'x')", `"prefix-x"`},
		{"concat('vm', 1)", `"vm1"`},
		{"concat(createArray('1-1', '1-2'), createArray('2-1'))", `["1-1","1-2","2-1"]`},
		{"base64('one, two, three')", `"b25lLCB0d28sIHRocmVl"`},
		{"base64ToString('b25lLCB0d28sIHRocmVl')", `"one, two, three"`},
		{"base64ToJson(base64('{''one'': ''a'', ''two'': ''b''}'))", `{"one":"a","two":"b"}`},
		{"dataUri('Hello')", `"data:text/plain;charset=utf8;base64,SGVsbG8="`},
		{"dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", `"Hello, World!"`},
		{"startsWith('abcdef', 'ab')", `true`},
		{"startsWith('abcdef', 'A')", `true`},
		{"startsWith('abcdef', 'e')", `false`},
		{"endsWith('abcdef', 'ef')", `true`},
		{"endsWith('abcdef', 'F')", `true`},
		{"endsWith('abcdef', 'e')", `false`},
		{"format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)", `"Hello, User. Formatted number: 8,175,133"`},
		{"format('{{{0}}} {0,5}|{0,-5}|{1:D3}|{1:X}|{1:000}|{2}', 'ab', 12, true())", `"{ab}    ab|ab   |012|C|012|True"`},
		{"indexOf('test', 't')", `0`},
		{"lastIndexOf('test', 't')", `3`},
		{"indexOf('abcdef', 'CD')", `2`},
		{"lastIndexOf('abcdef', 'AB')", `0`},
		{"indexOf('abcdef', 'z')", `-1`},
		{"join(createArray('one', 'two', 'three'), ',')", `"one,two,three"`},
		{"join(createArray(), ',')", `""`},
		{"length('One Two Three')", `13`},
		{"length('a\U0001F600')", `3`},
		{"padLeft('123', 10, '0')", `"0000000123"`},
		{"padLeft(7, 3, '0')", `"007"`},
		{"padLeft('1234', 3)", `"1234"`},
		{"padLeft('a', 3)", `"  a"`},
		{"replace('123-123-1234', '-', '')", `"1231231234"`},
		{"replace('123-123-1234', '1234', 'xxxx')", `"123-123-xxxx"`},
		{"replace('aAa', 'a', 'b')", `"bAb"`},
		{"split('one,two,three', ',')", `["one","two","three"]`},
		{"split('one;two,three', createArray(',', ';'))", `["one","two","three"]`},
		{"split('', ',')", `[""]`},
		{"split('a,,b', ',')", `["a","","b"]`},
		{"string(variables('mixed'))", `"{\"propA\":1,\"propB\":\"two\",\"propC\":[\"a\",1.5,true,null]}"`},
		{"string(createArray('a', 'b', 'c'))", `"[\"a\",\"b\",\"c\"]"`},
		{"string(5)", `"5"`},
		{"string(true())", `"True"`},
		{"substring('one two three', 4, 3)", `"two"`},
		{"substring('one two three', 8)", `"three"`},
		{"substring('abc', 3)", `""`},
		{"toLower('One Two Three')", `"one two three"`},
		{"toUpper('One Two Three')", `"ONE TWO THREE"`},
		{"trim('    one two three   ')", `"one two three"`},
		{"take('one two three', 2)", `"on"`},
		{"skip('one two three', 4)", `"two three"`},
		{"take('abc', 100)", `"abc"`},
		{"take('abc', -1)", `""`},
		{"skip('abc', 100)", `""`},
		{"skip('abc', -1)", `"abc"`},
		{"first('One Two Three')", `"O"`},
		{"last('One Two Three')", `"e"`},
		{"first('')", `""`},
		{"uri('http://contoso.org/firstpath/', 'myscript.sh')", `"http://contoso.org/firstpath/myscript.sh"`},
		{"uri('http://contoso.org/firstpath/azuredeploy.json', 'myscript.sh')", `"http://contoso.org/firstpath/myscript.sh"`},
		{"uri('http://contoso.org/firstpath/azuredeploy.json/', 'myscript.sh')", `"http://contoso.org/firstpath/azuredeploy.json/myscript.sh"`},
		{"uri('http://contoso.org/a/b', '/c')", `"http://contoso.org/c"`},
		{"uri('http://contoso.org', 'c')", `"http://contoso.org/c"`},
		{"uriComponent('http://contoso.com/resources/nested/azuredeploy.json')", `"http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json"`},
		{"uriComponentToString('http%3A%2F%2Fcontoso.com%2Fresources')", `"http://contoso.com/resources"`},
		{"uniqueString('tyeth')", `"zcztcwvu6iyg6"`},
		{"uniqueString('hello', 'world')", `"a7wkljktk6wne"`},
		{"json('{\"a\": \"b\"}')", `{"a":"b"}`},
		{"json('null')", `null`},
		{"json('\"test\"')", `"test"`},
		{"json('true')", `true`},
		{"json('3')", `3`},
		{"json('[1,2,3]')", `[1,2,3]`},
		{"json('1.50')", `1.5`},
		{"json(concat('{\"a\": \"', 'demo value', '\"}'))", `{"a":"demo value"}`},
		// Arrays and objects.
		{"array(1)", `[1]`},
		{"array('efgh')", `["efgh"]`},
		{"array(createObject('a', 'b'))", `[{"a":"b"}]`},
		{"array(variables('list'))", `["one","two","three"]`},
		{"contains('OneTwoThree', 'e')", `true`},
		{"contains('OneTwoThree', 'z')", `false`},
		{"contains('OneTwoThree', 'ONE')", `false`},
		{"contains(variables('abc'), 'one')", `true`},
		{"contains(variables('abc'), 'ONE')", `true`},
		{"contains(variables('abc'), 'a')", `false`},
		{"contains(variables('list'), 'three')", `true`},
		{"contains(variables('list'), 'Three')", `false`},
		{"contains(variables('ints'), 5)", `true`},
		{"createArray()", `[]`},
		{"createArray(1, 'a', createArray())", `[1,"a",[]]`},
		{"createObject('intProp', 1, 'objectProp', createObject('key1', 'value1'))", `{"intProp":1,"objectProp":{"key1":"value1"}}`},
		{"createObject()", `{}`},
		{"empty(createArray())", `true`},
		{"empty(createObject())", `true`},
		{"empty('')", `true`},
		{"empty(' ')", `false`},
		{"empty(null())", `true`},
		{"first(variables('list'))", `"one"`},
		{"last(variables('list'))", `"three"`},
		{"first(createArray())", `null`},
		{"length(variables('list'))", `3`},
		{"length(variables('abc'))", `3`},
		{"take(variables('list'), 2)", `["one","two"]`},
		{"skip(variables('list'), 2)", `["three"]`},
		{"indexOf(variables('list'), 'two')", `1`},
		{"lastIndexOf(variables('list'), 'four')", `-1`},
		{"intersection(variables('abc'), variables('azc'))", `{"one":"a","three":"c"}`},
		{"intersection(variables('list'), createArray('two', 'three'))", `["two","three"]`},
		{"union(createObject('one', 'a', 'two', 'b', 'three', 'c1'), createObject('three', 'c2', 'four', 'd', 'five', 'e'))", `{"one":"a","two":"b","three":"c2","four":"d","five":"e"}`},
		{"union(variables('list'), createArray('three', 'four', 'two'))", `["one","two","three","four"]`},
		{"union(variables('deep1'), variables('deep2'))", `{"property":{"one":"a","two":"b","three":"c2","four":"d","five":"e"},"nestedArray":[3,4]}`},
		{"union(createArray(createArray('one', 'two'), createArray('three')), createArray(createArray('three'), createArray('four', 'two')))", `[["one","two"],["three"],["four","two"]]`},
		{"shallowMerge(createArray(createObject('one', createObject('a', 1)), createObject('one', createObject('b', 2), 'two', 'c')))", `{"one":{"b":2},"two":"c"}`},
		{"flatten(createArray(createArray('one', 'two'), createArray('three'), createArray('four', 'five')))", `["one","two","three","four","five"]`},
		{"items(variables('entities'))", `[{"key":"item001","value":{"enabled":true,"number":300}},{"key":"item002","value":{"enabled":false,"number":200}}]`},
		{"objectKeys(variables('entities'))", `["item001","item002"]`},
		{"tryGet(variables('abc'), 'one')", `"a"`},
		{"tryGet(variables('abc'), 'ten')", `null`},
		{"tryGet(variables('deep1'), 'property', 'two')", `"b"`},
		{"tryGet(variables('deep1'), 'missing', 'two')", `null`},
		{"tryGet(variables('list'), 1)", `"two"`},
		{"tryGet(variables('list'), 7)", `null`},
		{"indexFromEnd(variables('list'), 1)", `"three"`},
		{"tryIndexFromEnd(variables('list'), 4)", `null`},
		{"variables('list')[1]", `"two"`},
		{"variables('ABC').ONE", `"a"`},
		{"variables('abc')['two']", `"b"`},
		{"variables('mixed').propC[0]", `"a"`},
		// Lambdas.
		{"map(variables('dogs'), lambda('dog', lambdaVariables('dog').name))", `["Evie","Casper","Indy","Kira"]`},
		{"map(createArray('a', 'b'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), lambdaVariables('i'))))", `["a0","b1"]`},
		{"filter(variables('dogs'), lambda('dog', greaterOrEquals(lambdaVariables('dog').age, 5)))", `[{"name":"Evie","age":5},{"name":"Kira","age":8}]`},
		{"filter(range(0, 10), lambda('i', equals(0, mod(lambdaVariables('i'), 2))))", `[0,2,4,6,8]`},
		{"reduce(map(variables('dogs'), lambda('d', lambdaVariables('d').age)), 1, lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))", `19`},
		{"reduce(createArray(createObject('foo', 123), createObject('bar', 456)), createObject(), lambda('cur', 'next', union(lambdaVariables('cur'), lambdaVariables('next'))))", `{"foo":123,"bar":456}`},
		{"map(sort(variables('dogs'), lambda('a', 'b', less(lambdaVariables('a').age, lambdaVariables('b').age))), lambda('d', lambdaVariables('d').name))", `["Indy","Casper","Evie","Kira"]`},
		{"toObject(variables('dogs'), lambda('entry', lambdaVariables('entry').name), lambda('entry', lambdaVariables('entry').age))", `{"Evie":5,"Casper":3,"Indy":2,"Kira":8}`},
		{"toObject(createArray(createObject('n', 'x')), lambda('entry', lambdaVariables('entry').n))", `{"x":{"n":"x"}}`},
		{"mapValues(createObject('foo', 'foo', 'bar', 'bar'), lambda('v', toUpper(lambdaVariables('v'))))", `{"foo":"FOO","bar":"BAR"}`},
		{"groupBy(createArray('foo', 'bar', 'baz'), lambda('x', substring(lambdaVariables('x'), 0, 1)))", `{"f":["foo"],"b":["bar","baz"]}`},
		{"map(range(0, 2), lambda('i', map(range(0, 2), lambda('j', add(mul(10, lambdaVariables('i')), lambdaVariables('j'))))))", `[[0,1],[10,11]]`},
		// Address ranges.
		{"parseCidr('10.144.0.0/20')", `{"network":"10.144.0.0","netmask":"255.255.240.0","broadcast":"10.144.15.255","firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","cidr":20}`},
		{"parseCidr('fdad:3236:5555::/48')", `{"network":"fdad:3236:5555::","netmask":"ffff:ffff:ffff::","firstUsable":"fdad:3236:5555::","lastUsable":"fdad:3236:5555:ffff:ffff:ffff:ffff:ffff","cidr":48}`},
		{"cidrSubnet('10.144.0.0/20', 24, 4)", `"10.144.4.0/24"`},
		{"cidrSubnet('fdad:3236:5555::/48', 52, 3)", `"fdad:3236:5555:3000::/52"`},
		{"cidrHost('10.144.3.0/24', 0)", `"10.144.3.1"`},
		{"cidrHost('10.144.3.0/24', 253)", `"10.144.3.254"`},
		{"cidrHost('fdad:3236:5555:3000::/52', 4)", `"fdad:3236:5555:3000::5"`},
		// Dates.
		{"dateTimeAdd('2023-01-01 00:00:00Z', 'P1Y')", `"2024-01-01T00:00:00Z"`},
		{"dateTimeAdd('2024-01-01 00:00:00Z', 'P1Y')", `"2024-12-31T00:00:00Z"`},
		{"dateTimeAdd('2023-02-01 00:00:00Z', 'P1M')", `"2023-03-03T00:00:00Z"`},
		{"dateTimeAdd('2024-02-01 00:00:00Z', 'P1M')", `"2024-03-02T00:00:00Z"`},
		{"dateTimeAdd('2020-04-07 14:53:14Z', '-P9D', 'M/d/yyyy h:mm:ss tt')", `"3/29/2020 2:53:14 PM"`},
		{"dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H', 'u')", `"2020-04-07 15:53:14Z"`},
		{"dateTimeFromEpoch(1683040573)", `"2023-05-02T15:16:13Z"`},
		{"dateTimeToEpoch('2023-05-02T15:16:13Z')", `1683040573`},
		{"dateTimeToEpoch(dateTimeAdd('2023-05-02T15:16:13Z', 'P1Y'))", `1714576573`},
		// Deployment and scope.
		{"deployment().name", `"main"`},
		{"environment().resourceManager", `"https://management.azure.com/"`},
		{"tenant().countryCode", `"NL"`},
		{"deployer().tenantId", `"` + tenantID + `"`},
		{"subscription().subscriptionId", `"` + subscriptionID + `"`},
		{"resourceGroup().location", `"westeurope"`},
		{"providers('Microsoft.Network', 'virtualNetworks').apiVersions[0]", `"2024-05-01"`},
		{"resourceId('Microsoft.Network/virtualNetworks', 'hub')", `"` + groupID + `/providers/Microsoft.Network/virtualNetworks/hub"`},
		{"resourceId('Microsoft.Network/virtualNetworks/', 'hub')", `"` + groupID + `/providers/Microsoft.Network/virtualNetworks/hub"`},
		{"resourceId('Microsoft.Network/virtualNetworks/subnets', 'hub', 'a')", `"` + groupID + `/providers/Microsoft.Network/virtualNetworks/hub/subnets/a"`},
		{"resourceId('other', 'Microsoft.Network/virtualNetworks', 'hub')", `"/subscriptions/` + subscriptionID + `/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/hub"`},
		{"resourceId('S', 'other', 'Microsoft.Network/virtualNetworks', 'hub')", `"/subscriptions/S/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/hub"`},
		{"subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')", `"/subscriptions/` + subscriptionID + `/providers/Microsoft.Authorization/roleDefinitions/r"`},
		{"subscriptionResourceId('S', 'Microsoft.Authorization/roleDefinitions', 'r')", `"/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/r"`},
		{"tenantResourceId('Microsoft.Authorization/policyDefinitions', 'p')", `"/providers/Microsoft.Authorization/policyDefinitions/p"`},
		{"managementGroupResourceId('mg', 'Microsoft.Authorization/policyDefinitions', 'p')", `"/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/policyDefinitions/p"`},
		{"extensionResourceId(resourceId('Microsoft.Network/virtualNetworks', 'hub'), 'Microsoft.Authorization/locks', 'l')", `"` + groupID + `/providers/Microsoft.Network/virtualNetworks/hub/providers/Microsoft.Authorization/locks/l"`},
	} {
		if got, err := evaluate(c.expression, variables); err != nil || got != c.want {
			t.Errorf("%s\n got %s %v\nwant %s", c.expression, got, err, c.want)
		}
	}
}

// A GUID of guid() is one of version 5 in Azure's namespace; the wanted value is what uuid5 of other languages gives.
func TestGUIDsAreTheSameEverywhere(t *testing.T) {
	a, err := evaluate("guid('a', 'b', 'c')", "")
	if err != nil {
		t.Fatal(err)
	}
	if want := `"a98fa280-e03f-5afa-8d8e-92d0a9c201e8"`; a != want {
		t.Errorf("got %s, want %s", a, want)
	}
}

func TestUTCNowAndNewGUIDAreDefaultsOnly(t *testing.T) {
	i := instantiate(t, head+`, "parameters": {
		"now": {"type": "string", "defaultValue": "[utcNow()]"}, "day": {"type": "string", "defaultValue": "[utcNow('d')]"},
		"id": {"type": "string", "defaultValue": "[newGuid()]"}}, "resources": []}`, group(), "")
	want := `{"now":{"type":"String","value":"20230502T151613Z"},"day":{"type":"String","value":"05/02/2023"},"id":{"type":"String","value":"44444444-4444-4444-4444-444444444444"}}`
	if string(i.Parameters) != want {
		t.Errorf("got %s, want %s", i.Parameters, want)
	}
	for _, e := range []string{"utcNow()", "newGuid()"} {
		if _, err := evaluate(e, ""); err == nil || !strings.Contains(err.Error(), "parameter's default value") {
			t.Errorf("%s: %v", e, err)
		}
	}
}

func TestWrongArgumentsAreNamedWithFunctionArgumentAndPlace(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{"add(1, 'x')", "main.json:1:"},
		{"add(1, 'x')", "outputs.x.value[0]: the template language function 'add': argument 2 is expected to be an Integer, but is of type String ('x')"},
		{"add(9223372036854775807, 1)", "out of the range of 64 bits"},
		{"mul(9223372036854775807, 2)", "out of the range of 64 bits"},
		{"sub(-9223372036854775808, 1)", "out of the range of 64 bits"},
		{"div(1, 0)", "'div': the divisor is 0"},
		{"mod(1, 0)", "'mod': the divisor is 0"},
		{"if('x', 1, 2)", "'if': argument 1 is expected to be a Boolean, but is of type String"},
		{"and(true(), 1)", "'and': argument 2 is expected to be a Boolean, but is of type Integer (1)"},
		{"concat('a', createArray())", "'concat': argument 2 is expected to be a String"},
		{"concat(createArray(), 'a')", "'concat': argument 2 is expected to be an Array"},
		{"substring('abc', 2, 5)", "must refer to a location within the string, which has 3 characters"},
		{"toLower(1)", "'toLower': argument 1 is expected to be a String"},
		{"range(0, 10001)", "at most 10000"},
		{"min(createArray())", "the array is empty"},
		{"min(1, 'a')", "'min': argument 2 is expected to be an Integer"},
		{"int('x')", "a string of digits"},
		{"json('{')", "the string is not JSON"},
		{"base64ToString('!')", "not in base64"},
		{"format('{1}', 'a')", "is of argument 1, and there are 1 after the format string"},
		{"format('{0:Q}', 1)", "the format 'Q' of an integer is not known"},
		{"format('{0', 1)", "is not closed"},
		{"createObject('a')", "an even number"},
		{"map(1, lambda('x', 1))", "'map': argument 1 is expected to be an Array"},
		{"map(createArray(1), 'x')", "argument 2 is a lambda function"},
		{"map(createArray(1), lambda(1))", "its lambda function takes 1 to 2 variables, not 0"},
		{"filter(createArray(1), lambda('x', 1))", "its lambda function is expected to give a Boolean, but gives type Integer"},
		{"lambdaVariables('x')", "there is no lambda variable 'x' here"},
		{"lambda('x', 1)", "can only stand as an argument of map"},
		{"copyIndex()", "it can only be used in a resource, property, variable or output with a copy"},
		{"cidrSubnet('10.0.0.0/24', 26, 4)", "10.0.0.0/24 has 4 subnets of /26, counted from 0"},
		{"cidrSubnet('10.0.0.0/24', 23, 0)", "at least 24 and at most 32"},
		{"cidrHost('10.0.0.0/30', 2)", "has 2 usable addresses"},
		{"cidrHost('10.0.0.0/33', 0)", "an address range such as"},
		{"parameters('x')", "the template parameter 'x' is not found"},
		{"variables('x')", "the template variable 'x' is not found"},
		{"resourceId('Microsoft.Network/virtualNetworks', 'a', 'b')", "the type 'Microsoft.Network/virtualNetworks' requires one resource name, not 2"},
		{"resourceId('virtualNetworks', 'a')", "is the type of a resource"},
		{"managementGroup().id", "not to a management group"},
		{"pickZones('Microsoft.Network', 'publicIPAddresses', 'westeurope')", "not among the published facts"},
		{"providers('Contoso.X', 'y')", "is not known"},
		{"fail('the message')", "the message"},
		{"dateTimeAdd('x', 'P1Y')", "is no date and time of ISO 8601"},
		{"dateTimeAdd('2023-01-01', '1Y')", "is no duration of ISO 8601"},
		{"createObject('a', 1).b", "the language expression property 'b' doesn't exist, available properties are 'a'"},
		{"createArray(1)[1]", "the language expression property array index '1' is out of bounds"},
		{"createArray(1).x", "can't be evaluated"},
		{"null().x", "the language expression property 'x' can't be evaluated, the value is of type Null"},
		{"nosuch(1)", "there is no template function \"nosuch\""},
		{"substrin('a', 1)", "did you mean 'substring'"},
		{"contoso.unique()", "the template defines no function 'contoso.unique'"},
		{"length()", "the template function 'length' takes one argument, not 0"},
		{"equals(1)", "takes 2 arguments, not 1"},
		{"true", "the value is written true()"},
		{"1.5", "write json('1.5') for a fraction"},
		{"'a", "the string is not closed"},
		{"add(1 2)", `"," or ")"`},
		{"\"a\"", "strings are in single quotes"},
		{"add(1,2", "the end of the expression is not expected here"},
		{"add(1,2))", "the end of the expression is"},
		{"99999999999999999999", "no integer of 64 bits"},
	} {
		_, err := evaluate(c.expression, "")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.expression, err, c.want)
		}
	}
}

func TestASecretStandsInNoError(t *testing.T) {
	for _, c := range []struct {
		typ  string
		want bool
	}{{"string", true}, {"securestring", false}} {
		_, err := try(head+`, "parameters": {"p": {"type": "`+c.typ+`"}}, "resources": [], "outputs": {"x": {"type": "int", "value": "[add(1, parameters('p'))]"}}}`, group(), `{"p": {"value": "hunter2"}}`)
		if err == nil || strings.Contains(err.Error(), "hunter2") != c.want {
			t.Errorf("%s: %v", c.typ, err)
		}
	}
}
