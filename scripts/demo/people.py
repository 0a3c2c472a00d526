# ruff: noqa: SIM905 - fifty quoted words a line would hide the words
"""Invented names, logins of nobody, passwords that exist for this one run only."""

import secrets
from random import Random

GIVEN = (
    "Aarav Aditi Aisha Akash Amit Anika Anjali Arjun Asha Bhavna Chetan Deepa Devika Dinesh Esha Farhan "
    "Gauri Gopal Harini Imran Isha Jatin Jaya Kabir Kavya Kiran Lakshmi Leela Manish Meghna Mohan Nandini "
    "Naveen Neha Nikhil Pooja Pranav Priya Rahul Ravi Rekha Rohan Sachin Sana Sanjay Shreya Sneha Suresh "
    "Tanvi Tarun Uma Varun Vidya Vikram Yash Zoya"
).split()
FAMILY = (
    "Acharya Bhat Bose Chauhan Das Desai Dutta Fernandes Ghosh Gowda Iyer Jain Joshi Kamath Kapoor Khan "
    "Kulkarni Kumar Lobo Mehta Menon Mishra Nair Naik Pai Patel Pillai Prasad Rao Reddy Saxena Shah "
    "Sharma Shetty Singh Sinha Thomas Varghese Verma Yadav"
).split()
WORDS = (
    "amber basil cedar clover copper coral ember fern ginger harbour hazel indigo ivory jasper juniper "
    "kettle lagoon lantern linen maple marble meadow nutmeg olive orchid pebble pepper quartz raven "
    "saffron silver slate spruce sunny teal thistle timber topaz velvet violet walnut willow window "
    "winter"
).split()


def invented_names(count: int, *, seed: str) -> list[str]:
    """`count` different full names; the same seed gives the same ones."""
    choice = Random(seed)  # noqa: S311 - names, not secrets
    names: dict[str, None] = {}
    while len(names) < count:
        names[f"{choice.choice(GIVEN)} {choice.choice(FAMILY)}"] = None
    return list(names)


def fresh_password() -> str:
    """Four unrelated words, different at every run."""
    return " ".join(secrets.choice(WORDS) for _ in range(4))
