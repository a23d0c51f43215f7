# SPDX-License-Identifier: ISC
"""A page as a browser builds it: html5lib's tree, and what of it shows."""

import re

import html5lib

# Whatever is inside one of these is not on the page.
UNSEEN = {"head", "title", "script", "style", "template", "noframes",
    "noembed", "iframe", "select", "option", "svg", "math", "object", "audio",
    "video", "canvas", "button", "datalist", "textarea", "xmp", "plaintext"}
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|"
    r"font-size\s*:\s*0|max-height\s*:\s*0", re.I)


class Page:
	"""The elements and texts of a page in the order of the document."""

	def __init__(self, source):
		tree = html5lib.parse(source, treebuilder="etree",
		    namespaceHTMLElements=False)
		self.frames = tree.find("frameset") is not None
		self.nodes = []	# (what, path of elements down to it)
		self.walk(tree, ())

	def walk(self, element, path):
		if not isinstance(element.tag, str):	# a comment
			return
		path += (element,)
		self.nodes.append((element, path))
		if element.text:
			self.nodes.append((element.text, path))
		for child in element:
			self.walk(child, path)
			if child.tail:
				self.nodes.append((child.tail, path))

	@staticmethod
	def shows(path):
		tags = [e.tag for e in path]
		return "body" in tags and UNSEEN.isdisjoint(tags) and \
		    not any("hidden" in e.attrib or
		    HIDDEN.search(e.get("style", "")) for e in path)

	def links(self):
		"""Targets of links with words or images in them, and sources of
		images."""
		full = {e for node, path in self.nodes for e in path
		    if e.tag == "a" and (node.strip() and self.shows(path)
		    if isinstance(node, str) else node.tag == "img")}
		return [node.get("href") or node.get("src")
		    for node, _ in self.nodes if not isinstance(node, str)
		    and (node.tag == "img" or node in full)]

	def words(self, below=None, shown=True):
		"""The text on the page, or on a part of it."""
		return " ".join(n for n, path in self.nodes
		    if isinstance(n, str) and (not shown or self.shows(path))
		    and (below is None or below in path)).split()

	def find(self, mark):
		"""The elements whose class is mark, with their paths."""
		return [(n, path) for n, path in self.nodes
		    if not isinstance(n, str) and n.get("class") == mark]

	def after(self, element):
		"""The words shown behind an element, in document order."""
		last = max(i for i, (_, path) in enumerate(self.nodes)
		    if element in path)
		return " ".join(n for n, path in self.nodes[last + 1:]
		    if isinstance(n, str) and self.shows(path)).split()
