"""The fault programme (`make faults`): recorded clients sit exams while parts die; a checker decides from the records.

records    what each client asked and was told, a line each
checker    pure: from the records and the stores' final content, what was lost, doubled, late ...
stored     reads that final content
candidate  a recorded client on the exam's API
stack      the product in a folder of its own: our process manager, proxies between its parts
drill      one fault: clients, injection, recovery, drain, verdict
catalogue  the faults by name
"""
