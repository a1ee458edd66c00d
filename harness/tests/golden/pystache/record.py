#!/usr/bin/env python3
"""Records what pystache makes of templates, as the dcos client uses it: cases.json, which a test renders again.

    pip install pystache==0.6.8 && ./record.py > cases.json
"""

import json
import random

import pystache
from pystache.parser import ParsingError


class JsonRenderer(pystache.Renderer):
    """As dcos 0.3.6 has it: what is no string is written by json.dumps."""

    def str_coerce(self, val):
        return json.dumps(val)


CONTEXT = {
    "s": "text", "empty": "", "html": "<a href=\"x\">'&'</a>", "back": "a\\b\n\t", "uni": "ä€😀",
    "t": True, "f": False, "n": None, "zero": 0, "one": 1, "neg": -7, "half": 0.5, "float": 1024.0,
    "big": 1e16, "small": 1e-05, "fzero": 0.0, "list": [1, "two", None, {"s": "inner"}], "none": [], "nothing": {},
    "group": {"s": "grouped", "cpus": 0.1, "deep": {"x": {"y": "bottom"}}, "flag": False, "items": [{"s": "i1"}, {"q": 2}]},
    "lists": [[1, 2], [3]],
}

HAND = [
    "", "plain", "{{s}}", "{{{s}}}", "{{&s}}", "{{ s }}", "{{\ts\n}}", "{{html}} {{{html}}} {{&html}}", "{{back}}", "{{uni}}",
    "{{t}} {{f}} {{n}} {{zero}} {{one}} {{neg}} {{half}} {{float}} {{big}} {{small}} {{fzero}}",
    "{{list}} {{{list}}} {{nothing}} {{{group}}} {{none}}", "{{missing}}|{{group.missing}}|{{missing.x}}|{{s.x}}|{{list.0}}",
    "{{group.s}} {{group.deep.x.y}} {{group.cpus}}", "{{#t}}yes{{/t}}{{#f}}no{{/f}}{{^f}}not{{/f}}",
    "{{#n}}a{{/n}}{{#zero}}b{{/zero}}{{#empty}}c{{/empty}}{{#none}}d{{/none}}{{#nothing}}e{{/nothing}}{{#fzero}}f{{/fzero}}{{#missing}}g{{/missing}}",
    "{{^n}}a{{/n}}{{^zero}}b{{/zero}}{{^empty}}c{{/empty}}{{^none}}d{{/none}}{{^nothing}}e{{/nothing}}{{^missing}}g{{/missing}}{{^s}}h{{/s}}",
    "{{#s}}[{{.}}]{{/s}}{{#one}}[{{.}}]{{/one}}{{#list}}[{{.}}]{{/list}}{{#list}}<{{s}}>{{/list}}",
    "{{#group}}{{s}} {{deep.x.y}} {{one}} {{#items}}{{s}}{{q}};{{/items}}{{/group}}", "{{#group.deep}}{{#x}}{{y}}{{/x}}{{/group.deep}}",
    "{{#lists}}({{#.}}{{.}},{{/.}}){{/lists}}", "{{!comment}}a{{! b\nc }}d", "a\n{{! alone }}\nb", "a\n  {{! alone }}\nb", "a\n  {{! not alone }} x\nb",
    "a\n{{#t}}\nb\n{{/t}}\nc", "a\r\n{{#t}}\r\nb\r\n{{/t}}\r\nc", "a\n  {{#t}}\n  b\n  {{/t}}\nc", "  {{#t}}x{{/t}}  ", "{{#t}}\n{{/t}}", "\n{{#t}}\n\n{{/t}}\n",
    " {{s}} \n {{{s}}} \n", "{{> partial}}x", "a\n{{> partial}}\nb", "{{=<% %>=}}<%s%>{{s}}<%={{ }}=%>{{s}}", "{{= | | =}}|s| |#t|x|/t|", "{{{s}} }}", "{{s}", "{ {s} }", "}}",
    "{{{{s}}}}", "{{ # t }}x{{ / t }}", "{{#  t}}x{{/t  }}", "{{&  html  }}", "{{{  html  }}}", "{{.}}", "{{#t}}{{.}}{{/t}}", "{{#f}}{{#t}}x{{/t}}{{/f}}y",
    '{"cpus": {{group.cpus}}, "id": "{{s}}"{{#group.flag}}, "flag": true{{/group.flag}}}', "{{#group}}{{#group}}{{s}}{{/group}}{{/group}}", "{{group.s.x}}{{group..s}}{{.s}}{{s.}}",
    "{{#list}}{{#s}}{{s}}{{/s}}{{/list}}", "{{^list}}x{{/list}}{{^missing}}{{s}}{{/missing}}",
]

NAMES = sorted(CONTEXT) + ["group.s", "group.deep", "group.deep.x.y", "group.items", "group.flag", "missing", ".", "s.s", "deep.x", "y"]
TEXTS = ["", " ", "\n", "a", "  ", "\r\n", '"', "{", "}", "é", "\n  ", "b c", "\t", ", ", "<&>"]


def generated(rng, depth=0):
    """A template whose sections are closed."""
    parts = []
    for _ in range(rng.randint(1, 5)):
        kind, name = rng.randrange(10), rng.choice(NAMES)
        parts.append(rng.choice(TEXTS))
        pad = rng.choice(["", "", " "])
        if kind < 3:
            parts.append("{{" + pad + name + pad + "}}")
        elif kind == 3:
            parts.append("{{{" + pad + name + pad + "}}}")
        elif kind == 4:
            parts.append("{{&" + pad + name + "}}")
        elif kind == 5:
            parts.append(rng.choice(["{{! note }}", "{{>" + name + "}}", "{{=<< >>=}}<<" + name + ">><<={{ }}=>>"]))
        elif kind < 9 and depth < 3:
            parts.append("{{" + rng.choice("##^") + pad + name + "}}" + generated(rng, depth + 1) + "{{/" + name + pad + "}}")
    return "".join(parts) + rng.choice(TEXTS)


def main():
    rng = random.Random(2016)
    templates = HAND + [generated(rng) for _ in range(400)]
    cases = []
    for template in templates:
        try:
            plain = pystache.Renderer().render(template, CONTEXT)
            cases.append({"template": template, "json": JsonRenderer().render(template, CONTEXT), "plain": plain})
        except ParsingError as error:
            cases.append({"template": template, "error": str(error)})
    print(json.dumps({"pystache": "0.6.8", "context": CONTEXT, "cases": cases}, indent=1))


if __name__ == "__main__":
    main()
