"""Stands in for python3-debian, which the lab's hosts have not: fields in the order in which they were set."""


class Deb822(dict):
    def dump(self):
        return "".join("%s:%s%s\n" % (name, "" if not value or value[0] == "\n" else " ", value) for name, value in self.items())
