"""Asks ansible-core what templates give, and writes its answers to expressions.json beside this file.

Run it with ansible-core's own Python: `python tests/vectors/template/record.py`. The cases stand below, by kind:
`render` is a scalar of a playbook, `condition` a `when`, `expression` what `debug: var=` takes, `file` the text of a template file.
"""

import json
import os
import pathlib

import jinja2
from ansible import __version__
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

here = pathlib.Path(__file__).parent

EXPRESSIONS = r"""
1 + 2
number / 2
number // 2
negative // 2
negative % 3
number % -3
7.5 // 2
-7.5 % 2
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
2 ** 100
big + 1
big * big
big // 7
big % 97
-big // 7
1 / 3
1e3
1.5e-7
1E5
1_000_000
0x1F
0o17
0b101
10 / 2
10 // 3.0
3 * 'ab'
'ab' * 0
[1, 2] * 2
(1, 2) + (3,)
[1] + [2, 3]
'a' + 'b'
'a' 'b' "c"
'a' + 1
1 + 'a'
[1] + (2,)
1 ~ 2
'a' ~ none ~ true
[1, 'x'] ~ {'a': 1.0}
1 - 2 - 3
2 + 3 * 4
(2 + 3) * 4
2 * 3 ~ 4
-3 + 5
- number
--3
true + true
true == 1
1 == 1.0
'1' == 1
none == false
[1, 2] == [1, 2]
[1, 2] == (1, 2)
{'a': 1} == {'a': 1.0}
1 < 2 < 3
1 < 2 > 3
1 < 3 == true
3 > 2 >= 2
'a' < 'b'
'a' < 1
[1, 2] < [1, 3]
none < 1
1 in list
5 not in list
'qui' in text
'a' in dict
'zz' in dict
1 in '123'
1 in 5
not yes
not 0 == 1
yes and 'x'
0 or 'fallback'
'' or [] or {}
1 and 0 or 3
no and missing
yes or missing
missing or 1
missing and 1
not missing
not missing is defined
1 if yes else 2
1 if no else 2
1 if no
(1 if no) is defined
(1 if no) | default('d')
'a' if no else 'b' if no else 'c'
list[0]
list[-1]
list[5]
list[5] | default('none there')
list[1:]
list[:2]
list[::-1]
list[::2]
text[4:9]
text[::-1]
text[0]
text[-1]
text[100]
words[1][2]
nested.list[1][0]
nested.list.1.0
list.0
dict.a
dict['a']
dict.b.c[2].d
dict['b']['c'][2]['d']
dict.b.c.2.d
dict.nope
dict.nope.deeper
dict.nope.deeper | default('x')
dict['key with space']
dict['items']
dict.items() | list
dict.keys() | list
dict.values() | list | length
dict.get('a')
dict.get('zz')
dict.get('zz', 'dd')
missing
missing.a.b
missing.a.b | default('x')
missing['a'].b() | default('y')
missing | upper | default('z')
missing + 1
(missing + 1) | default('no')
missing == 1
missing is defined
missing is undefined
missing is not defined
missing.a is defined
word is defined
dict.a is defined
dict.zz is defined
broken is defined
broken | default('b')
half_broken | default('h')
half_broken is defined
failing | default('f')
lazy
lazier
lazy_number
lazy_number + 1
lazy_list
lazy_list[0]
lazy_list[2].x
lazy_list | length
lazy_dict.ok
lazy_dict.bad
lazy_dict.bad | default('d')
lazy_dict
lazy_dict.deep.n + 1
lazy_dict.keys() | list
lazy_dict.values() | list
lazy_dict.get('ok')
lazy_dict.get('bad') | default('gone')
[missing]
[missing] | length
[missing] | default('x')
{'a': missing}
(word, missing)
itself
ping
'%s and %s' % ('a', 1)
'%s' % 'x'
'%s' % [1, 2]
'%s' % (none,)
'%d items' % 5
'%05d|%-5d|%+d' % (42, 42, 42)
'%5s|%-5s|%.2s' % ('ab', 'ab', 'abcd')
'%x %X %o %#x' % (255, 255, 8, 255)
'%.2f %e %g %g' % (3.14159, 12345.678, 0.0001, 1e20)
'%(a)s-%(b)03d' % {'a': 'x', 'b': 7}
'%%' % ()
'100%% of %s' % word
'%r' % 'q'
'%c' % 65
'%d' % 3.99
'%d' % 'x'
'%s %s' % ('a',)
'%s' % ('a', 'b')
'%s' % dict.b
'{} {}'.format('a', 'b')
'{1} {0}'.format('a', 'b')
'{x} {y}'.format(x=1, y='z')
'{:>5}|{:<5}|{:^5}'.format('a', 'b', 'c')
'{:05d} {:+d} {:,}'.format(42, 5, 1234567)
'{:.3f} {:e} {:g} {:%}'.format(3.14159, 12345.0, 0.5, 0.25)
'{0[a]} {0[b][c]}'.format(dict)
'{:x} {:#x} {:b} {:o}'.format(255, 255, 5, 8)
'{!r}'.format('a')
'{{}}'.format()
'{:*^9}'.format('mid')
'{:{w}}|'.format('a', w=4)
'{x}'.format_map({'x': 1})
'{:.2}'.format('abcdef')
'{:_}'.format(1000000)
'{}'.format(1.0)
'{}'
word.upper()
'HeLLo'.lower()
'hello world'.title()
"it's a dog".title()
'hello World'.capitalize()
'Hello'.swapcase()
'  x '.strip()
'  x '.lstrip()
'  x '.rstrip()
'xxaxx'.strip('x')
'a,b,c'.split(',')
'a b  c'.split()
'a,b,c'.split(',', 1)
'a,b,c'.rsplit(',', 1)
' a b c '.split(None, 1)
' a b c '.rsplit(None, 1)
'a b c'.split(maxsplit=1)
'abc'.split('')
''.split()
''.split(',')
'a\nb\r\nc'.splitlines()
'a\nb\n'.splitlines(true)
','.join(words)
','.join([1])
','.join('abc')
'aXbXc'.replace('X', '-')
'aXbXc'.replace('X', '-', 1)
'hello'.find('l')
'hello'.rfind('l')
'hello'.find('z')
'hello'.index('l')
'hello'.index('z')
'hello'.find('l', 3)
'hello'.count('l')
'hello'.count('')
'hello'.startswith('he')
'hello'.startswith(('x', 'he'))
'hello'.endswith('lo')
'hello'.startswith('l', 2)
'a-b-c'.partition('-')
'a-b-c'.rpartition('-')
'abc'.partition('-')
'abc'.rpartition('-')
'prefix-x'.removeprefix('prefix-')
'x.txt'.removesuffix('.txt')
'42'.zfill(5)
'-42'.zfill(5)
'ab'.center(7)
'ab'.center(7, '*')
'abc'.center(6, '*')
'ab'.ljust(5, '.') ~ '|'
'ab'.rjust(5)
'a\tb'.expandtabs(4)
'123'.isdigit()
'12a'.isdigit()
''.isdigit()
'abc'.isalpha()
'ab1'.isalnum()
'1.5'.isnumeric()
'12'.isdecimal()
'  '.isspace()
'ABC'.isupper()
'abc1'.islower()
'Hello World'.istitle()
'abc'.isidentifier()
'Straße'.casefold()
'abc'.translate({97: 'x'})
'abc'.encode('utf-8').decode('utf-8')
unicode.upper()
unicode[1]
unicode | length
[1, 2, 2].count(2)
[1, 2].index(2)
[1, 2].index(5)
[3, 1].copy()
(5).bit_length()
5.0.is_integer()
number.real
word.nope
word.nope is defined
number.nope | default('n')
number()
word()
word.upper
dict.update
range(3) | list
range(1, 4) | list
range(10, 0, -3) | list
range(0) | list
dict(a=1, b='x')
dict([('a', 1)])
dict({'a': 1}, b=2)
{'a': 1, 'b': [1, {'c': none}]}
{1: 'one', 'two': 2, none: 3, true: 4}
{'a': 1, }
[1, 2, ]
(1,)
()
[]
{}
(1)
((1, 2), [3])
[1, 2.0, '3', none, true]
'a\nb'
'a\\b'
'a\tb'
'\x41\u00e9\101'
'\d+\.\w'
'it\'s'
"say \"hi\""
'}}'
'{{ word }}'
'{% x %}'
number is divisibleby 7
number is divisibleby(7)
number is not divisibleby 2
8 is divisibleby 2 and yes
word is string
nothing is none
nothing is not none
1 is in list
9 is in [1, 2]
words | join(', ')
words | join
[1, 2] | join('-')
[1, missing] | join('-')
([1, missing] | join('-')) | default('j')
words|length
-1|string
number | nosuchfilter
number is nosuchtest
words[0] | upper ~ '!'
word|upper|length
(word ~ '!')|upper
'abc' | upper if yes else 'z'
1 if 2 > 1 and 3 in list else 0
true
True
none
None
false
inventory
1.
1.e3
1 +
1 2
(1, 2
'unclosed
a b
{{ word }}
undef()
undef('custom') | default('u')
undef(hint='because')
namespace(a=1).a
lookup('items', 'a', 'b')
query('items', 'a', 'b')
q('items', [1, 2])
lookup('items', 'x')
lookup('items', ['x', 'y'], wantlist=true)
lookup('nosuch', 1)
lookup('items', '{{ word }}')
lookup('items', missing) | default('lm')
dict.b.c | length
dict | length
text.split() | length
(text.split())[1]
text.split()[1].upper()
multiline
multiline.splitlines()
windows
nested.none
nested.none is none
nested.none.x | default('nn')
big
ratio * 2
ratio | int
digits | int + 1
users[0].name ~ users[1]['name']
users.0.name
empty | default('e')
empty | default('e', true)
nothing | default('n')
nothing | default('n', true)
0 | default('z', true)
no | default('f', boolean=true)
missing | default(other | default('two'))
missing | default(omitted)
word == 'hello' and number == 7
word != 'hello' or not no
(number > 5) == true
number > 5 == true
'a' in ['a', 'b'] and 'c' not in ['a']
'x' not in 'abc'
not 'x' in 'abc'
number in [1, 7] and not no
"""

TEMPLATES = [
    "plain", "", " ", "{{ word }}", " {{ word }} ", "{{ number }}", "{{ number }} ", " {{ number }}", "{{ number }}\n",
    "{{ word }}\n", "{{ word }}\n\n", "{{ list }}\n", "{{ number }}{{ number }}", "{{ '4' }}{{ '2' }}", "{{ digits }}",
    "{{ nothing }}", "{{ nothing }}{{ nothing }}", "{{ nothing }} {{ nothing }}", "x{{ nothing }}y", "{{ yes }}{{ no }}",
    "{{ list }}{{ list }}", "{{ dict.b }} !", "{{ (1, 2) }}", "a{{ (1, 2) }}", "{{ (1, 2) | list }}", "{{ [1.0, none, true, 'x'] }}.",
    "{# comment #}", "a{# comment #}b", "{% if no %}x{% endif %}", "{% if yes %}{{ number }}{% endif %}",
    "{% if yes %} {{ number }}{% endif %}", "{% if no %}a{% elif yes %}b{% else %}c{% endif %}",
    "{% if missing is defined %}x{% else %}y{% endif %}", "{% if missing %}x{% endif %}", "{% if list %}full{% endif %}",
    "{% for i in list %}{{ i }}{% endfor %}", "{% for i in list %}{{ i }},{% endfor %}", "{% for i in [5] %}{{ i }}{% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}", "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in {'a': 1} %}{{ k }}{% endfor %}", "{% for c in 'abc' %}{{ c }}.{% endfor %}", "{% for i in 5 %}{% endfor %}",
    "{% for i in missing %}{% endfor %}", "{% for i in list if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}",
    "{% for i in words %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }} {% endfor %}",
    "{% for i in words %}{{ loop.cycle('odd', 'even') }} {% endfor %}",
    "{% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %}",
    "{% for i in words %}{{ loop.previtem | default('-') }}<{{ i }}>{{ loop.nextitem | default('-') }} {% endfor %}",
    "{% for i in [[1, [2, [3]]]] recursive %}{{ loop.depth }}{{ loop(i) if i is not number else i }}{% endfor %}",
    "{% for a in [1, 2] %}{% for b in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% for (a, b) in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }} {% endfor %}",
    "{% set x = 1 %}{{ x }}", "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if yes %}{% set x = 2 %}{% endif %}{{ x }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set ns = namespace(n=0) %}{% for i in list %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
    "{% set x %}block {{ word }}{% endset %}{{ x }}", "{% set x | upper %}block{% endset %}{{ x }}",
    "{% set x = [] %}{{ x.append(1) }}{{ x.append(2) }}{{ x }}", "{% set x = [1] %}{% for i in [2, 3] %}{{ x.append(i) }}{% endfor %}{{ x }}",
    "{% set x = [1] %}{% for i in [2, 3] %}{% set _ = x.append(i) %}{% endfor %}{{ x }}",
    "{% set d = {} %}{% for i in words %}{% set _ = d.update({i: loop.index}) %}{% endfor %}{{ d }}",
    "{% set d = {'l': []} %}{% set _ = d.l.append(1) %}{% set _ = d['l'].append(2) %}{{ d }}",
    "{% set ns = namespace(l=[]) %}{% for i in list %}{% set _ = ns.l.append(i) %}{% endfor %}{{ ns.l }}",
    "{% set x = [3, 1, 2] %}{% set _ = x.sort() %}{{ x }}", "{% set x = [1, 2] %}{{ x.pop() }}{{ x }}",
    "{% set x = [1, 2] %}{{ x.insert(0, 9) }}{{ x.reverse() }}{{ x }}", "{% set d = {'a': 1} %}{{ d.pop('a') }}{{ d }}",
    "{% set d = {'a': 1} %}{{ d.setdefault('b', 2) }}{{ d }}", "{% set x = [1] %}{{ x.extend([2]) }}{{ x.remove(1) }}{{ x }}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}",
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=5, a=4) }}",
    "{% macro m(a) %}{{ a + 1 }}{% endmacro %}{{ m(1) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m([1]) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a) %}x{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}x{% endmacro %}{{ m(1, b=2) }}", "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", "{% macro m(n) %}{% if n > 0 %}{{ n }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m(x) %}[{{ caller(x) }}]{% endmacro %}{% call(y) m(3) %}got {{ y }}{% endcall %}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}inside {{ word }}{% endcall %}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m() %}{% endmacro %}x{{ m() }}y",
    "{% macro m(a) %}{{ m.name }}{{ m.arguments }}{% endmacro %}{{ m(1) }}",
    "{% filter upper %}loud {{ word }}{% endfilter %}", "{% filter upper | length %}abc{% endfilter %}",
    "{% raw %}{{ word }} {% x %}{% endraw %}", "{%- raw -%} x {%- endraw -%} y",
    "a {%- if yes %} b {% endif -%} c", "a\n{%- if yes %}\nb\n{%- endif %}\nc", "a\n{% if yes %}\nb\n{% endif %}\nc",
    "a\n  {% if yes %}\nb\n  {% endif %}\nc", "a {{- ' b ' -}} c", "a\n{% if yes +%}\nb\n{% endif %}\nc", "a\n{# c #}\nb", "{% set x = 1 %}\n{{ x }}",
    "{% for i in [1, 2] %}\n- {{ i }}\n{% endfor %}", "{% for i in [1, 2] %}\n- {{ i }}\n{% endfor %}\n",
    "{{ 'a\\nb' }}", "{% set x = 'a\\nb' %}{{ x }}", "{{ '\\1\\d' }}", "{{ 'it\\'s' }}", "{{ \"a\\\"b\" }}", "{{ windows }}",
    "{{ '}}' }}", "{{ '{{' }}", "{{ '{{ word }}' }}", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}['a'].b }}", "{{ lazy }}", "<{{ lazier }}>",
    "{{ broken }}", "{{ half_broken }}", "{{ failing }}", "a{{ missing }}b", "{{ missing }}", "{{ dict.x.y }}", "{{ itself }}", "{{ ping }}",
    "{{ [word, missing] }}", "{{ lazy_dict }}", "{{ lazy_list }}", "{{ lazy_list }} x", "{{ nosuch(1) }}", "{{ 1 +* 2 }}", "{{ }}", "{{ word", "{% if %}",
    "{% if yes %}", "{% endif %}", "{% nosuch %}", "{{ word }} }}", "{ word }", "{{word}}", "{{ list[0] }}{{ list[1] }}",
    "{{ 1, 2 }}", "{{ word if yes }}", "x{{ word if no }}", "{{ range(3) | list }}", "{{ range(2) | list }} ", "{{ cycler('a', 'b').next() }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}",
    "{% set j = joiner('|') %}{% for i in list %}{{ j() }}{{ i }}{% endfor %}", "{{ joiner(',')() }}",
    "{% include 'part.j2' %}", "{% set local = 1 %}{% include 'part.j2' %}", "{% set local = 1 %}{% include 'part.j2' without context %}",
    "{% include 'gone.j2' %}", "{% include 'gone.j2' ignore missing %}", "a{% include ['gone.j2', 'part.j2'] %}",
    "{% import 'macros.j2' as m %}{{ m.greet('Ann') }} {{ m.answer }}", "{% from 'macros.j2' import greet, answer as a %}{{ greet('Bob', mark='?') }}{{ a }}",
    "{% from 'macros.j2' import nothere %}{{ nothere is defined }}", "{% from 'macros.j2' import wrap %}{% call wrap() %}in{% endcall %}",
    "{% import 'macros.j2' as m with context %}{{ m.greet(word) }}", "{% extends 'base.j2' %}{% block body %}mine{% endblock %}",
    "{% extends 'child.j2' %}{% block body %}{{ self.title() }}|{{ super() }}{% endblock %}", "{% block a %}x{% endblock %}{{ self.a() }}",
    "{% autoescape true %}{{ '<b>' }}{% endautoescape %}{{ '<b>' }}", "{% set x = '1' %}{{ x }}{{ x }}", "{{ 'true' }}", "{{ '[1, 2]' }}", "{{ '{\"a\": 1}' }}",
    "{{ '1' ~ '2' }}", "{{ '007' }}", "{{ 1.0 }}", "{{ 1e100 }}", "{{ 10000000000000000000000 }}", "{{ -0.0 }}", "{{ 1e16 }} {{ 1e-5 }} {{ 123456.789 }}",
    "{{ none }}", "{{ true }}", "{{ unicode }}", "{{ unicode }} ✓", "{% if 1 in list and 'a' in dict %}ok{% endif %}",
    "{{ lookup('items', 'a', 'b') }}", "{{ lookup('items', '{{ word }}') }}", "{{ lookup('items', ['{{ word }}', 'x']) }}", "{{ query('items', 1, 2) }}",
    "{{ users | length }} {{ users[0].name }}", "{% for u in users %}{{ u.name }}:{{ u['uid'] }} {% endfor %}",
    "{% for x in lazy_list %}{{ x }};{% endfor %}", "{% for k, v in lazy_dict.items() %}{{ k }}{{ v | default('?') }};{% endfor %}", "{% set d = lazy_dict %}{{ d.ok }}",
]

FILES = [
    ("#jinja2: trim_blocks: False\n{% if yes %}\nx\n{% endif %}\n", {}),
    ("#jinja2: lstrip_blocks: True\n  {% if yes %}\n  x\n  {% endif %}\nend\n", {}),
    ("#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n[% word %] {{ word }}\n", {}),
    ("#jinja2: keep_trailing_newline: True\n{{ word }}\n", {}),
    ("#jinja2: block_start_string: '<%', block_end_string: '%>'\n<% if yes %>\n{{ word }}\n<% endif %>\n", {}),
    ("#jinja2: nosuch: True\nx\n", {}),
    ("#jinja2: trim_blocks: False", {}),
    ("a\n", {}), ("a", {}), ("a\n\n", {}), ("{{ number }}", {}), ("{{ number }}\n", {}), ("{{ 'a\\nb' }}\n", {}), ("{{ '\\\\1' }}\n", {}),
    ("{% for i in list %}\nline {{ i }}\n{% endfor %}\n", {}), ("{% for i in list %}\nline {{ i }}\n{% endfor %}\n", {"trim_blocks": False}),
    ("  {% if yes %}\n  x\n  {% endif %}\n", {"lstrip_blocks": True}), ("  {%+ if yes %}\n  x\n  {% endif %}\n", {"lstrip_blocks": True}),
    ("<< word >> {{ word }}\n", {"variable_start_string": "<<", "variable_end_string": ">>"}),
    ("[# c #]x[[ word ]]\n", {"variable_start_string": "[[", "variable_end_string": "]]", "comment_start_string": "[#", "comment_end_string": "#]"}),
    ("{% include 'part.j2' %}\nnext\n", {}), ("{% include 'part.j2' %}", {}), ("{% extends 'base.j2' %}\n{% block title %}T{% endblock %}\n", {}),
    ("{{ dict }}\n", {}), ("{{ list }}", {}), ("", {}), ("{# only #}\n", {}), ("a\r\nb {{ word }}\r\n", {}),
    ("{% set x = '\\d' %}{{ x }} {{ '\\t' }}|\n", {}), ("a {{ missing }}\n", {}), ("{{ lazy }}\n{{ lazier }}\n", {}),
    ("\\begin{{ word }}\n", {}), ("{% raw %}\n{{ x }}\n{% endraw %}\n", {}), ("{%- set a = 1 -%}\n\n{{ a }}\n", {}),
    ("{% if yes %}\n\n{{ word }}\n\n{% endif %}\n\n\n", {}),
]

CONDITIONS = [
    True, False, "true", "false", "True", "no", "yes", "1 == 1", "word == 'hello'", " word == 'hello' ", "number", "list", "word", "", " ", None, 1, 0,
    "missing", "missing is defined", "not missing is defined", "missing is defined and missing.x", "{{ yes }}", "{{ no }}", "{{ word }}", "{{ expr }}", "expr",
    "{{ number }} == 7", "'{{ word }}' == 'hello'", "\"{{ word }}\" == word", "word == '{{ word }}'", "{{ number == 7 }}", "{% if yes %}true{% endif %}",
    "yes and no", "yes or no", "yes and word", "none", "[]", "1 +", "dict.a == 1", "dict.zz == 1", "number > 5", "'a' < 1", "lazy == 'hello world'", "yes == true",
    "failing", "missing or yes", "yes or missing", "text | length > 3", "list | length", "number in list", "{{ missing }}", "{{ nothing }}", "{{ 'number == 7' }}",
    "word is match('x') or yes", "not no", "(word)",
]


def variables():
    def trusted(value):
        if isinstance(value, str):
            return trust_as_template(value)
        if isinstance(value, list):
            return [trusted(item) for item in value]
        if isinstance(value, dict):
            return {key: trusted(item) for key, item in value.items()}
        return value

    return trusted(json.loads((here / "variables.json").read_text())) | {"big": 123456789012345678901234567890}


def answer(ask):
    try:
        value = ask()
    except BaseException as error:  # the answer is the kind of failure
        kinds = [type(cause).__name__ for cause in chain(error)]
        return {"fails": "undefined" if "AnsibleUndefinedVariable" in kinds else "error"}
    return {"gives": plain(value)}


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__


def plain(value):
    if isinstance(value, dict):
        return {"dict": [[plain(key), plain(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**53 else {"int": str(int(value))}
    if isinstance(value, float):
        return {"float": repr(value)}
    return str(value)


def main():
    os.chdir(here / "files")
    loader = DataLoader()
    loader.set_basedir(str(here / "files"))
    cases = []

    def templar():
        return Templar(loader=loader, variables=variables())

    for line in EXPRESSIONS.strip().splitlines():
        text = trust_as_template(line)
        cases.append({"expression": line} | answer(lambda: templar().evaluate_expression(text)))
    for text in TEMPLATES:
        cases.append({"render": text} | answer(lambda: templar().template(trust_as_template(text))))
    for text, settings in FILES:
        def ask():
            # As the template module does.
            made = templar().template(trust_as_template(text), escape_backslashes=False, overrides=settings)
            return "" if made is None else made if isinstance(made, str) else str(plain_python(made))
        cases.append({"file": text, "settings": settings} | answer(ask))
    for text in CONDITIONS:
        trusted = trust_as_template(text) if isinstance(text, str) else text
        cases.append({"condition": text} | answer(lambda: templar().evaluate_conditional(trusted)))
    out = {"ansible-core": __version__, "jinja2": jinja2.__version__, "cases": cases}
    (here / "expressions.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")
    print(len(cases), "cases")


def plain_python(value):
    if isinstance(value, dict):
        return {plain_python(key): plain_python(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_python(item) for item in value]
    return value


main()
